"""The steps of a stage: a list of frozen steps and the image config at each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from baselard.dockerfile.plan.stages import MainContext, ScratchSource, Source
from baselard.dockerfile.syntax.errors import Place
from baselard.oci.image_config import ImageConfig

DEFAULT_SHELL = ("/bin/sh", "-c")


@dataclass(frozen=True)
class Inline:
    """Files written in the Dockerfile itself: name → text, all of one mode."""

    files: tuple[tuple[str, str], ...]
    mode: int = 0o644


@dataclass(frozen=True)
class Url:
    """A download; `checksum` is `algorithm:hex` or "". The tree holds one file called `name`, mode 0600."""

    address: str
    name: str
    checksum: str


@dataclass(frozen=True)
class Git:
    """A checkout. `checksum` is a commit id (or its beginning) or ""."""

    remote: str
    ref: str
    subdir: str
    keep_git_dir: bool
    checksum: str


Tree = Source | Inline | Url | Git


@dataclass(frozen=True)
class Configure:
    """From here on the container has this config."""

    place: Place
    config: ImageConfig


@dataclass(frozen=True)
class MakeDirectory:
    """WORKDIR's directory: created with its parents, 0755, for `user` (a config's User) when it is missing."""

    place: Place
    path: str
    user: str


@dataclass(frozen=True)
class MountStep:
    """One mount of a RUN, expanded. `kind` is bind, cache, tmpfs, secret or ssh; `env` a secret's variable."""

    kind: str
    target: str
    tree: Tree = field(default_factory=ScratchSource)
    source: str = "/"
    read_only: bool = False
    id: str = ""
    sharing: str = "shared"
    required: bool = False
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    size: int = 0
    env: str = ""


@dataclass(frozen=True)
class RunStep:
    """Run `args`. `env` holds the variables that only this process sees (build args), `proxies` those no cache sees."""

    place: Place
    args: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    proxies: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[MountStep, ...] = ()
    network: str = "default"
    security: str = "sandbox"


@dataclass(frozen=True)
class CopyItem:
    """One source of a COPY or ADD. `pattern` may hold wildcards unless `literal`; `unpack` is for archives.

    `keep`, for `--parents`, is the pattern of what to take below `pattern`, with its path.
    """

    tree: Tree = field(default_factory=MainContext)
    pattern: str = "/"
    literal: bool = False
    unpack: bool = False
    keep: str = ""


@dataclass(frozen=True)
class CopyStep:
    """Copy `items` to `dest`, absolute; a trailing slash means that it is a directory.

    `owner` is `user[:group]`, names or ids, "" to keep the source's; `mode` octal or symbolic, "" to keep.
    """

    place: Place
    items: tuple[CopyItem, ...]
    dest: str
    owner: str = ""
    mode: str = ""
    exclude: tuple[str, ...] = ()
    link: bool = False


Step = Configure | MakeDirectory | RunStep | CopyStep
