"""The API that this engine serves: its schema, and every module whose functions answer a field of it."""

import functools
from pathlib import Path

from baselard.engine.api.query.api import Api


@functools.cache
def core() -> Api:
    """The API of the SDL beside this module."""
    return Api(Path(__file__).with_name("api.graphql").read_text(), _register)


def _register() -> None:
    """Import every module that registers fields, for that effect."""
    from baselard.engine.api import (  # noqa: F401, PLC0415 -- few sessions need all of it at their start
        address,
        container_config,
        container_exec,
        container_files,
        directory,
        docker_build,
        elsewhere,
        file,
        host,
        image,
        image_import,
        module,
        remote,
        root,
        secrets,
        service,
        terminal,
    )
    from baselard.engine.api.more import (  # noqa: F401, PLC0415
        changeset,
        checks,
        data,
        module_source,
        search,
        types,
        workspace,
    )
