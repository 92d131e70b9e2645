"""Names in a layer's tar that delete what is below (OCI image spec, layer.md)."""

PREFIX = b".wh."
"""Before the name of what is deleted."""

OPAQUE = b".wh..wh..opq"
"""Deletes all that lower layers hold in its directory."""

AUFS = b".wh..wh."
"""Begins aufs's own bookkeeping, which no layer means."""
