"""Directories and files of the container that a nested session belongs to, where other clients mean this machine."""

import posixpath

from baselard.engine.errors import UserError
from baselard.engine.files import taking
from baselard.engine.files.walking import Filter
from baselard.engine.ops import host
from baselard.engine.ops.host import HostDirectory
from baselard.engine.run.containers.own_files import Inside
from baselard.engine.run.worker import Worker


def load(worker: Worker, inside: Inside, path: str, selected: Filter) -> HostDirectory:
    """The container's directory ``path`` as it is now. Raises UserError when there is none."""
    if selected.gitignore:
        raise UserError("gitignore is not served inside a container: name what to exclude")
    with worker.store.temp_dir() as work, inside.directory(path) as (place, unreadable):
        taking.take_tree(place, f"{work}/tree", without=unreadable)
        return host.load(worker, f"{work}/tree", selected)


def load_file(worker: Worker, inside: Inside, path: str) -> tuple[HostDirectory, str]:
    """The directory with only the container's file ``path``, and the file's name in it. Raises UserError."""
    name = posixpath.basename(inside.absolute(path).rstrip("/"))
    with worker.store.temp_dir() as work, inside.file(path) as place:
        taking.take_file(place, f"{work}/{name}")
        return host.load_file(worker, f"{work}/{name}")
