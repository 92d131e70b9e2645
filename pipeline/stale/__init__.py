"""Pins of what a repository takes from elsewhere: images, tools, actions; how far behind they are, and moving them."""
