"""Every module that registers resolvers, imported for that effect."""

from engine.schema import query

__all__ = ["query"]
