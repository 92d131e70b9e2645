"""Build a base image once, test every example on the built object, publish what was tested.

The functions of this module work on the repository given as `--source`; its `baselard.yaml` (optional) says where
the base image and the examples are.
"""
