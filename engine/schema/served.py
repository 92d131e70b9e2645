"""Every module that registers resolvers, imported for that effect."""

from engine.schema import (
    changeset,
    container_config,
    container_exec,
    container_files,
    directory,
    docker_build,
    file,
    host,
    image,
    image_import,
    module,
    query,
    search,
    secrets,
    service,
)

__all__ = [
    "changeset",
    "container_config",
    "container_exec",
    "container_files",
    "directory",
    "docker_build",
    "file",
    "host",
    "image",
    "image_import",
    "module",
    "query",
    "search",
    "secrets",
    "service",
]
