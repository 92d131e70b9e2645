"""Modules: found, given an environment, registered and called by Dagger's official module protocol."""
