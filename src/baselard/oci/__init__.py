"""The nouns of OCI, each once, with what all rooms need of plain text; in `registry` the client of registries.

Each reader raises one error of `errors`, which a room says in words of its own where it has any to add.
"""
