"""A registry seen from outside: what is in a repository, and removing it. Pushing is the engine's part.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""
