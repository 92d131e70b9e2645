"""Images and their parts: configuration, references, manifests, layers, archives, bootstrapping, publishing."""
