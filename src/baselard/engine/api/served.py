"""The API that this engine serves: its schema, and every module in which a field of it stands."""

import functools
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from baselard.engine.api.objects.serving import Served
from baselard.engine.api.query.api import Api
from baselard.engine.api.query.registry import Registry, gathered


@functools.cache
def core() -> Api:
    """The API of the SDL beside this module."""
    return Api(Path(__file__).with_name("api.graphql").read_text(), _register)


def _register() -> Registry:
    """Few sessions need all of it at their start, so it is imported at the first query."""
    from baselard.engine.api.elsewhere import way_out

    return Registry(gathered(*_objects(), *_resolvers()), way_out, _more)


def _objects() -> tuple[ModuleType, ...]:
    from baselard.engine.api.objects import (
        container,
        container_files,
        directory,
        function_call,
        git_repository,
        mounts,
        namespace,
        secrets,
        typedef,
        values,
    )

    containers = (container, container_files, mounts)
    modules = (function_call, namespace, typedef)
    return *containers, *modules, directory, git_repository, secrets, values


def _resolvers() -> tuple[ModuleType, ...]:
    from baselard.engine.api import (
        address,
        container_exec,
        container_files,
        directory,
        docker_build,
        file,
        host,
        image,
        image_import,
        remote,
        root,
        secrets,
        service,
        terminal,
    )

    containers = (container_exec, container_files, docker_build, image, image_import, terminal)
    return *containers, address, directory, file, host, remote, root, secrets, service


@functools.cache
def _more() -> Mapping[str, Served]:
    """Modules that our own functions never ask for, imported when somebody asks for a field that is not elsewhere."""
    from baselard.engine.api.more import changeset, checks, content_hash, data, module_source, search, types, workspace

    return gathered(*_more_objects(), changeset, checks, content_hash, data, module_source, search, types, workspace)


def _more_objects() -> tuple[ModuleType, ...]:
    from baselard.engine.api.more.objects import changeset, checks, env_file, json_value, module_source, workspace

    return changeset, checks, env_file, json_value, module_source, workspace
