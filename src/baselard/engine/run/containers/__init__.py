"""Containers: the runtime and its configuration, streams, users, what the host lends them."""
