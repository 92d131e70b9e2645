"""Programs in containers: sandboxes, mounts, networks and services."""
