"""Networks of containers: the bridge, the pool of namespaces, forwarded ports."""
