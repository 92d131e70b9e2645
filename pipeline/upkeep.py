"""The functions that keep a repository and its registry in order: clean-up, and pins that are behind."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import dagger
from dagger import Doc

from pipeline import listing, plaintext
from pipeline.discovery.discover import EngineTree
from pipeline.fan_out import fresh
from pipeline.flags import Format, Password, Username
from pipeline.references import parse_reference
from pipeline.registry import cleaning
from pipeline.scanning import Scanning
from pipeline.share import Account

if TYPE_CHECKING:
    from pipeline.stale.pins import Standing
    from pipeline.stale.repository import Pinned

GitHubToken = Annotated[dagger.Secret | None, Doc("Token for GitHub's API, which asks strangers to be slow")]


class Upkeep(Scanning):
    """The part of the main object that keeps things in order."""

    @fresh
    async def cleanup(  # noqa: PLR0913  # one flag, one argument
        self,
        *,
        tags: Annotated[str, Doc("Glob of the tags to delete; the configured one by default")] = "",
        older_than_days: Annotated[int | None, Doc("Only tags at least this old")] = None,
        keep_last: Annotated[int | None, Doc("Keep this many of the newest")] = None,
        pull_request: Annotated[str, Doc("Only tags of this pull request: pr-N, test-pr-N and what begins so")] = "",
        registry: Annotated[str, Doc("Repository to clean up instead of the bases' own")] = "",
        orphans: Annotated[
            bool, Doc("Also what refers to images that are gone: signatures, lists of packages")
        ] = False,
        apply: Annotated[bool, Doc("Delete; otherwise only say what would go")] = False,
        format: Format = "text",
        username: Username = "",
        password: Password = None,
    ) -> str:
        """Delete test tags from the registry, but nothing that a kept tag, index or signature still needs."""
        project = await self._project()
        chosen = replace(
            cleaning.policy(project.config.cleanup, tags, older_than_days, keep_last, pull_request), orphans=orphans
        )
        as_json, said, entries = listing.check_format(format) == "json", [], []
        for name in [registry] if registry else dict.fromkeys(base.name for base in project.bases):
            account = Account(name, username, password)
            place, credentials = parse_reference(name), await account.credentials()
            if as_json:
                made = await cleaning.removed(place, credentials, chosen, apply=apply)
                entries.append(cleaning.entry(place, made, applied=apply))
            else:
                said.append(await cleaning.clean_up(place, credentials, chosen, apply=apply))
        return listing.rendered(entries) if as_json else "\n".join(said)

    @fresh
    async def outdated(
        self,
        *,
        format: Format = "text",
        github_token: GitHubToken = None,
        username: Username = "",
        password: Password = None,
    ) -> str:
        """List images in FROM, the image of tools, and actions of workflows beside the newest there is of each."""
        as_json = listing.check_format(format) == "json"
        _, found = await self._standings(github_token, username, password)
        from pipeline.stale import pins  # see _standings

        return pins.as_json(found) if as_json else pins.as_table(found)

    @fresh
    async def update(
        self,
        *,
        lock: Annotated[bool, Doc("Begin a baselard.lock with the digests of images that a tag alone names")] = False,
        github_token: GitHubToken = None,
        username: Username = "",
        password: Password = None,
    ) -> dagger.Changeset:
        """Bring pins up to date, in Dockerfiles, workflows and baselard.lock: a Changeset to look at or export."""
        pinned, found = await self._standings(github_token, username, password)
        from pipeline.stale import repository  # see _standings

        changed = self.source
        for path, text in repository.updated(pinned, found, locking=lock).after.items():
            changed = changed.with_new_file(path, text)
        return changed.changes(self.source)

    async def _standings(
        self, github_token: dagger.Secret | None, username: str, password: dagger.Secret | None
    ) -> tuple["Pinned", tuple["Standing", ...]]:
        """Read what the repository names of others, and how it stands; the password is for the bases' registries."""
        from pipeline.stale import repository  # most calls ask nothing of the kind
        from pipeline.stale.asking import Sources

        project = await self._project()
        known = await Account("", username, password).credentials()
        own = {parse_reference(base.name).registry for base in project.bases}
        token = await plaintext.read(github_token, "--github-token")
        asked = Sources(lambda reference: known if reference.registry in own else None, token.strip())
        pinned = await repository.read(project, EngineTree(self.source))
        return pinned, await repository.outdated(pinned, asked)
