"""Finding the bases and examples of a repository, those that a call chooses, and what a change concerns."""
