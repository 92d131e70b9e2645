"""The instructions of a Dockerfile as values: what is written, before any variable is expanded.

Names follow the Dockerfile reference. Words that may hold variables are plain strings, still in their quotes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from baselard.dockerfile.syntax.errors import Place, Warning_
from baselard.oci import image_config


@dataclass(frozen=True)
class Instruction:
    place: Place


@dataclass(frozen=True)
class KeyValue:
    key: str
    value: str | None


@dataclass(frozen=True)
class Heredoc:
    """An inline document; `raw` is its text as written, `text` with the tabs of `<<-` removed."""

    name: str
    raw: str
    text: str
    expand: bool


@dataclass(frozen=True)
class Command:
    """A command line in exec form (`words`), or in shell form (one word, run by the stage's SHELL)."""

    words: tuple[str, ...]
    shell: bool
    heredocs: tuple[Heredoc, ...] = ()


@dataclass(frozen=True)
class Arg(Instruction):
    pairs: tuple[KeyValue, ...]


@dataclass(frozen=True)
class Env(Instruction):
    pairs: tuple[KeyValue, ...]


@dataclass(frozen=True)
class Label(Instruction):
    pairs: tuple[KeyValue, ...]


@dataclass(frozen=True)
class Mount:
    """One `RUN --mount`, its fields still unexpanded."""

    fields: tuple[tuple[str, str | None], ...]
    source_stage: str


@dataclass(frozen=True)
class Run(Instruction):
    command: Command
    mounts: tuple[Mount, ...] = ()
    network: str = "default"
    security: str = "sandbox"


@dataclass(frozen=True)
class Copy(Instruction):
    """COPY, or ADD when `add` is set."""

    sources: tuple[str, ...]
    heredocs: tuple[Heredoc, ...]
    dest: str
    add: bool = False
    source_stage: str = ""
    chown: str = ""
    chmod: str = ""
    link: bool = False
    parents: bool = False
    exclude: tuple[str, ...] = ()
    keep_git_dir: bool | None = None
    checksum: str = ""
    unpack: bool | None = None


@dataclass(frozen=True)
class Workdir(Instruction):
    path: str


@dataclass(frozen=True)
class User(Instruction):
    name: str


@dataclass(frozen=True)
class Cmd(Instruction):
    command: Command


@dataclass(frozen=True)
class Entrypoint(Instruction):
    command: Command


@dataclass(frozen=True)
class Shell(Instruction):
    words: tuple[str, ...]


@dataclass(frozen=True)
class Expose(Instruction):
    ports: tuple[str, ...]


@dataclass(frozen=True)
class Volume(Instruction):
    paths: tuple[str, ...]


@dataclass(frozen=True)
class StopSignal(Instruction):
    signal: str


@dataclass(frozen=True)
class Maintainer(Instruction):
    name: str


@dataclass(frozen=True)
class Onbuild(Instruction):
    trigger: str


@dataclass(frozen=True)
class Healthcheck(Instruction):
    check: image_config.Healthcheck


@dataclass(frozen=True)
class Stage(Instruction):
    """`FROM base AS name`, and what follows until the next FROM. `name` is lower-case, "" when there is none."""

    base: str
    name: str
    platform: str
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True)
class Dockerfile:
    file: str
    global_args: tuple[Arg, ...]
    stages: tuple[Stage, ...]
    escape: str
    directives: Mapping[str, str]
    warnings: tuple[Warning_, ...] = field(default=())
