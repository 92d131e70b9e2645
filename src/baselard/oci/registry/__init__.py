"""The OCI distribution API as a client sees it: references, and one repository of a registry.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md. Used by the pipeline and by the engine, and
stands on httpx alone: who we are, what to say and how to wait is given by them. What this machine has set for
registries (registries.conf, certs.d) is read here.
"""
