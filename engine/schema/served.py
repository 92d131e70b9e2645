"""Every module that registers resolvers, imported for that effect."""

from engine.schema import (
    container_config,
    container_exec,
    container_files,
    directory,
    file,
    host,
    module,
    query,
    secrets,
)

__all__ = [
    "container_config",
    "container_exec",
    "container_files",
    "directory",
    "file",
    "host",
    "module",
    "query",
    "secrets",
]
