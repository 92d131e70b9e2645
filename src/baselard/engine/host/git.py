"""The host's git, as the API's git fields use it: names of refs, checkouts, common ancestors.

What a repository names is a stranger's word: its submodules come from this machine's directories only where the
repository itself was asked for as one of them.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from baselard.engine.errors import NoShallowError, UserError
from baselard.engine.host.git_command import PROTOCOLS, Access, output

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# git-check-ref-format(1); a sign in front would be an option, or force
_REF = re.compile(r"(?![-+])[^\x00-\x20\x7f:?*\[\\^~]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_GITLINK = b"160000"
_DEEPEST = 16  # submodules in submodules: one may name itself
_PROTOCOL = re.compile(r"([a-zA-Z0-9]+)://")
_SCP = re.compile(r"[a-zA-Z0-9-_]+@[a-zA-Z0-9-.]+:.*")
_NUMBER = r"(0|[1-9][0-9]{0,17})"
_VERSION = re.compile(rf"refs/tags/v{_NUMBER}(?:\.{_NUMBER}(?:\.{_NUMBER}(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?)?)?\Z")


@dataclass(frozen=True)
class Refs:
    """A remote's refs by full name, each with its commit, and where symbolic ones lead, such as HEAD."""

    commits: Mapping[str, str]
    symbolic: Mapping[str, str] = field(default_factory=dict)


def is_url(text: str) -> bool:
    """Whether git would look for the repository ``text`` on another machine, by a protocol that is served."""
    protocol = _PROTOCOL.match(text)
    return protocol[1].lower() in PROTOCOLS if protocol else bool(_SCP.fullmatch(text))


def is_ssh(url: str) -> bool:
    """Whether the repository is spoken to by ssh."""
    return url.startswith("ssh://") or "://" not in url


def parse_url(text: str) -> str:
    """A repository's URL; ``host/path`` means https. Raises UserError for what names none, as a path of the host."""
    if is_url(text):
        return text.replace("ssh://", "ssh://git@", 1) if re.match(r"ssh://[^/@]+(/|$)", text) else text
    if protocol := _PROTOCOL.match(text):
        raise UserError(
            f'failed to parse Git URL: invalid protocol "{protocol[1]}": name http, https, ssh or git, or load a '
            "repository of this machine by Host.directory and asGit"
        )
    if text.startswith(("/", ".", "~")) or not text:
        raise UserError(
            f"failed to determine Git URL protocol: {text!r} is a path: load a repository of this machine by "
            "Host.directory and asGit"
        )
    return f"https://{text}"


def is_local(url: str) -> bool:
    """Whether git takes ``url`` for a path of this machine (git-clone(1), "GIT URLS")."""
    before = url.partition("/")[0]
    return url.startswith("file://") or ":" not in before


def refs(access: Access, *, cwd: Path) -> Refs:
    """The remote's refs and the commits they lead to; annotated tags are followed."""
    commits: dict[str, str] = {}
    symbolic: dict[str, str] = {}
    asking = ("ls-remote", "--quiet", "--symref", *_served(access), "--", _url(access))
    answer = output(asking, access.toward(access.url), cwd=cwd, file=is_local(access.url))
    for line in answer.decode("utf-8", "surrogateescape").splitlines():
        commit, _, name = line.partition("\t")
        if commit.startswith("ref: "):
            symbolic[name] = commit.removeprefix("ref: ")
        else:
            commits[name.removesuffix("^{}")] = commit  # the line of a tag's target follows that of the tag
    return Refs(commits, symbolic)


def choose(known: Refs, name: str) -> tuple[str, str]:
    """The full name and the commit of the ref that ``name`` means. Raises UserError when there is none."""
    if _COMMIT.fullmatch(name):
        return name, name
    for full in (name, f"refs/{name.removeprefix('refs/')}", f"refs/heads/{name}", f"refs/tags/{name}"):
        if full in known.commits:
            return known.symbolic.get(full, full), known.commits[full]
    raise UserError(f'repository does not contain ref "{name}"')


def check_commit(text: str) -> str:
    """``text`` if it is a commit's whole name. Raises UserError otherwise."""
    if not _COMMIT.fullmatch(text):
        raise UserError(f'invalid commit SHA: "{text}"')
    return text


def latest_version(known: Refs) -> str:
    """The tag with the highest version by semver.org, ``v`` before it. Raises UserError when no tag is one."""
    versions = {name: _precedence(match) for name in known.commits if (match := _VERSION.match(name))}
    if not versions:
        raise UserError("no valid semver tags found: a tag such as v1.2.3 is one")
    return max(versions, key=lambda name: versions[name])


def _precedence(match: "re.Match[str]") -> tuple[object, ...]:
    """A key that sorts as semver.org, 11, has it: numbers below words, a prerelease below its release."""
    *numbers, before = match.groups()
    identifiers = before[1:].split(".") if before else []
    order = [
        (not identifier.isdigit(), int(identifier) if identifier.isdigit() else 0, identifier)
        for identifier in identifiers
    ]
    return (*(int(number or 0) for number in numbers), not before, order)


def check_out(access: Access, ref: str, *, into: Path, depth: int, tags: bool) -> None:
    """Have the commit that ``ref`` leads to, and its submodules, in the empty directory ``into``.

    Raises UserError for submodules that are directories of this machine, unless ``access`` is one too.
    """
    _fetch(access, (ref,), into=into, depth=depth, tags=tags)
    output(("checkout", "--quiet", "--detach", "FETCH_HEAD"), access, cwd=into)
    shallow = ("--depth", "1") if depth else ()
    _check_out_submodules(access, into, shallow, local=is_local(access.url) and not access.strange)


def make_repeatable(access: Access, url: str, *, into: Path) -> None:
    """Have nothing in a checked out repository tell when and where that was done; its remote is called ``url``.

    There are no logs then, and no index that knows the files' inodes and times.
    """
    output(("remote", "set-url", "origin", url), access, cwd=into)
    output(("read-tree", "HEAD"), access, cwd=into)
    if (into / ".gitmodules").exists():
        output(("submodule", "--quiet", "foreach", "--recursive", "git read-tree HEAD"), access, cwd=into)
    for logs in (into / ".git").rglob("logs"):
        if (logs.parent / "HEAD").exists():
            shutil.rmtree(logs)
            (logs.parent / "FETCH_HEAD").unlink(missing_ok=True)


def ignored(access: Access, checkout: str) -> list[str]:
    """What of a checkout nobody tracks or is told about: paths, those of directories with a slash.

    The repository that ``access`` names is a directory of this machine.
    """
    about = (f"--git-dir={access.url}", f"--work-tree={checkout}", "-c", f"core.excludesFile={os.devnull}")
    listing = ("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z")
    return [os.fsdecode(path) for path in output((*about, *listing), access, cwd=Path(checkout)).split(b"\0") if path]


def common_ancestor(commits: Sequence[tuple[Access, str]], *, cwd: Path) -> str:
    """The best commit that all lead back to, each in its repository. Raises UserError when there is none."""
    for access, commit in commits:
        _fetch(access, (commit,), into=cwd, depth=0, tags=False)
    base = output(("merge-base", "--", *(commit for _, commit in commits)), commits[0][0], cwd=cwd)
    return base.decode().strip()


def _fetch(access: Access, wanted: Sequence[str], *, into: Path, depth: int, tags: bool) -> None:
    """Have ``wanted`` in the repository ``into``, which is made if need be; its origin is the first it came from."""
    if wrong := [ref for ref in wanted if not _REF.fullmatch(ref)]:
        raise UserError(f"git: {wrong[0]!r} is not a name of a branch, tag or commit")
    if not (into / ".git").exists():
        output(("init", "--quiet", "."), access, cwd=into)
        output(("remote", "add", "--", "origin", _url(access)), access, cwd=into)
    options = ("--tags" if tags else "--no-tags", *_served(access), "--", _url(access), *wanted)
    shallow = ("--depth", str(depth)) if depth > 0 else ()
    toward = access.toward(access.url)
    _shallowly(("fetch", "--quiet"), shallow, options, toward, cwd=into, file=is_local(access.url))


def _shallowly(  # noqa: PLR0913
    command: tuple[str, ...], shallow: tuple[str, ...], after: tuple[str, ...], access: Access, *, cwd: Path, file: bool
) -> None:
    """Run a command with ``shallow`` in it; without where the server has but whole histories, as plain files are."""
    try:
        output((*command, *shallow, *after), access, cwd=cwd, file=file)
    except NoShallowError:
        output((*command, *after), access, cwd=cwd, file=file)


def _url(access: Access) -> str:
    """The URL as an operand. Raises UserError for what is none."""
    if not access.url or access.url.startswith("-") or _CONTROL.search(access.url):
        raise UserError(f"git: {access.url!r} is not the URL of a repository")
    return access.url


def _served(access: Access) -> tuple[str, ...]:
    """Have a strange directory's repository looked for there alone, where it was looked at (git-upload-pack(1))."""
    return ("--upload-pack", "git-upload-pack --strict") if access.strange else ()


def _check_out_submodules(
    access: Access, inside: Path, shallow: tuple[str, ...], *, local: bool, depth: int = 1
) -> None:
    """One level after the other, since each submodule's own URL says whether it is one of this machine."""
    if os.path.islink(f"{inside}/.gitmodules") or not os.path.isfile(f"{inside}/.gitmodules"):
        return
    if depth > _DEEPEST:
        raise UserError(f"git: {access.url}: submodules lie more than {_DEEPEST} deep in each other")
    for toward, which in _submodules(access, inside):
        _shallowly(("submodule", "update", "--quiet", "--init"), shallow, which, toward, cwd=inside, file=local)
    for below in _checked_out(access, inside):
        url = output(("config", "--get", "remote.origin.url"), access, cwd=below).decode("utf-8", "surrogateescape")
        _check_out_submodules(access, below, shallow, local=local and is_local(url), depth=depth + 1)


def _submodules(access: Access, inside: Path) -> Iterator[tuple[Access, tuple[str, ...]]]:
    """How submodules are spoken to, and which, as words after the command; all at once where that is one way."""
    if not access.inside:
        yield access, ()
        return
    output(("submodule", "--quiet", "init"), access, cwd=inside)
    names = {path: name for (name, key), path in _of_submodules(access, inside, "--file=.gitmodules") if key == "path"}
    urls = {name: url for (name, key), url in _of_submodules(access, inside, "--local") if key == "url"}
    for path in _linked(access, inside):
        yield access.toward(urls.get(names.get(path, ""), "")), ("--", f":(top,literal){path}")


def _of_submodules(access: Access, inside: Path, where: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Settings of submodules in a file: the name and the key, and the value."""
    for line in output(("config", where, "--list", "--null"), access, cwd=inside).split(b"\0"):
        key, _, value = os.fsdecode(line).partition("\n")
        if key.startswith("submodule."):
            name, _, last = key.removeprefix("submodule.").rpartition(".")
            yield (name, last), value


def _linked(access: Access, inside: Path) -> Iterator[str]:
    """The paths where a commit of another repository belongs."""
    for line in output(("ls-files", "--stage", "-z"), access, cwd=inside).split(b"\0"):
        about, _, path = line.partition(b"\t")
        if about.startswith(_GITLINK):
            yield os.fsdecode(path)


def _checked_out(access: Access, inside: Path) -> Iterator[Path]:
    """The submodules that are there; git would look above one that is not."""
    root = Path(os.path.realpath(inside))
    for path in _linked(access, root):
        below = root / path
        if os.path.lexists(f"{below}/.git") and os.path.realpath(below) == str(below):
            yield below
