"""The API that this engine serves: its schema, and every module in which a field of it stands."""

import functools
from pathlib import Path
from types import ModuleType

from baselard.engine.api.query.api import Api
from baselard.engine.api.query.registry import Registry, gathered


@functools.cache
def core() -> Api:
    """The API of the SDL beside this module."""
    return Api(Path(__file__).with_name("api.graphql").read_text(), _register)


def _register() -> Registry:
    """Few sessions need all of it at their start, so it is imported at the first query."""
    from baselard.engine.api.elsewhere import way_out

    return Registry(gathered(*_objects(), *_resolvers(), *_more()), way_out)


def _objects() -> tuple[ModuleType, ...]:
    from baselard.engine.api.objects import (
        changeset,
        checks,
        container,
        container_files,
        directory,
        env_file,
        function_call,
        git_repository,
        json_value,
        module_source,
        mounts,
        namespace,
        secrets,
        typedef,
        values,
        workspace,
    )

    containers = (container, container_files, mounts)
    modules = (function_call, module_source, namespace, typedef)
    texts = (env_file, json_value, secrets, values)
    return *containers, *modules, *texts, changeset, checks, directory, git_repository, workspace


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


def _more() -> tuple[ModuleType, ...]:
    from baselard.engine.api.more import (
        changeset,
        checks,
        data,
        module_source,
        search,
        types,
        workspace,
    )

    return changeset, checks, data, module_source, search, types, workspace
