"""Tags, labels and annotations of what is published, by the rules of docker/metadata-action.

https://github.com/docker/metadata-action (the tags and flavor inputs, global expressions, the latest tag)
"""
