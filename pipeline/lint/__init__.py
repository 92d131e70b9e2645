"""Static checks of Dockerfiles, gossfiles and workflow files, by the tools of their trade."""
