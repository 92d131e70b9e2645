"""Registries: resolving and pulling through skopeo, pushing through a small client, credentials, mirrors."""
