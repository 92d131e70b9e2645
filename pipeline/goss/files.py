"""Which gossfiles belong to an image, as the directory that is mounted at `/.goss-tests`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import dagger
import yaml

WAIT = "goss_wait.yaml"


@dataclass(frozen=True)
class GossFiles:
    """The gossfiles of one image. `directory` is where they lie, `tests` and `wait` are relative to it.

    `ports` are waited for when there is no file of its own to wait with.
    """

    directory: dagger.Directory
    tests: tuple[str, ...]
    wait: str = ""
    ports: tuple[int, ...] = ()


def mount(files: GossFiles) -> dagger.Directory:
    """The directory with one gossfile that includes all others, so that none is silently ignored."""
    mounted = files.directory.with_new_file("goss-main.yaml", wrapper(files.tests))
    waits = [wrapper([files.wait])] if files.wait else [wait_for_ports(files.ports)] if files.ports else []
    return mounted.with_new_file("goss-main-wait.yaml", waits[0]) if waits else mounted


def wrapper(names: Sequence[str]) -> str:
    """A gossfile that includes these files; goss reads them relative to itself."""
    return yaml.safe_dump({"gossfile": {name: {} for name in names}})


def wait_for_ports(ports: Sequence[int]) -> str:
    """A gossfile that passes once something listens on every port, on IPv4 or IPv6."""
    return yaml.safe_dump({"addr": {f"tcp://localhost:{port}": {"reachable": True} for port in ports}})


def for_target(names: Sequence[str], target: str, targets: Sequence[str]) -> tuple[str, ...]:
    """Those of a base's gossfiles that apply to `target`: all but the ones named for another target."""
    others = {name for name in targets if name != target}
    return tuple(name for name in names if PurePosixPath(name).stem not in others)
