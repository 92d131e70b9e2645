"""Baselard: build a base image once, test every example on the built object, publish what was tested."""
