"""The nouns of OCI: references, media types, and the registries that hold images."""
