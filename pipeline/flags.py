"""Arguments that several functions have: type and help."""

from typing import Annotated

import dagger
from dagger import Doc

# What never belongs to a build: history, and what tools leave behind.
IGNORED = [
    ".git",
    "**/.venv",
    "**/node_modules",
    "**/__pycache__",
    "**/.mypy_cache",
    "**/.pytest_cache",
    "**/.ruff_cache",
]

Names = Annotated[list[str] | None, Doc("Only examples of these names; globs are allowed")]
Excluded = Annotated[list[str] | None, Doc("Leave out examples of these names; globs are allowed")]
Platform = Annotated[str, Doc("Platform such as linux/arm64; empty is the engine's own")]
ExampleName = Annotated[str, Doc("The example's name: the last part of its directory")]
Retries = Annotated[int | None, Doc("How often a failing test is tried again; a later pass is reported as flaky")]
Jobs = Annotated[int | None, Doc("How many images are built and tested at a time")]
FailFast = Annotated[bool, Doc("End the call at the first failure")]
Since = Annotated[str, Doc("Only examples that changed since the merge base with this commit; needs --history")]
ChangedPaths = Annotated[list[str] | None, Doc("Only what a change of these paths concerns; watch gives them")]
History = Annotated[dagger.Directory | None, Doc("The repository's .git directory, for --changed-since")]
Target = Annotated[str, Doc("A target of the base; empty is the first")]
Ref = Annotated[str, Doc("Full git ref: refs/heads/BRANCH, refs/tags/TAG or refs/pull/N/merge")]
Sha = Annotated[str, Doc("The commit")]
Created = Annotated[str, Doc("The commit's time, ISO 8601, for the label; without it equal inputs give equal digests")]
Platforms = Annotated[list[str] | None, Doc("Platforms of the index; the configured ones by default")]
WhenStale = Annotated[bool, Doc("Publish only if a base has moved since what is published was built, else do nothing")]
EventName = Annotated[str, Doc("GitHub's name of the event, such as push or schedule")]
Username = Annotated[str, Doc("User name at the registry")]
Password = Annotated[dagger.Secret | None, Doc("Password or token at the registry, such as env://TOKEN")]
SigningKey = Annotated[
    dagger.Secret | None, Doc("Private key that signs what is said about the images, such as env://SIGNING_KEY")
]
PublicKeys = Annotated[dagger.Secret | None, Doc("Public keys (PEM), one of which must have signed; or verify.key")]
BaseImage = Annotated[dagger.Container | None, Doc("Test on this image in the place of every base")]
Bases = Annotated[dagger.Directory | None, Doc("Test on what hand-over made on another machine: its directory `bases`")]
Cached = Annotated[bool, Doc("Reuse the verdicts of unchanged images instead of testing anew")]
Format = Annotated[str, Doc("How to print it: text, or json for programs")]
First = Annotated[list[str] | None, Doc("Begin with the examples of these names; what is none of them is passed over")]
PastRuns = Annotated[dagger.File | None, Doc("Earlier runs for report.html, as `baselard history --json` prints them")]
