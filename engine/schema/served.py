"""Every module that registers resolvers, imported for that effect."""

from engine.schema import container_config, container_exec, query, secrets

__all__ = ["container_config", "container_exec", "query", "secrets"]
