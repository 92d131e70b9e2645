"""Measurements of Baselard, each beside its limit or a peer, in one run on one machine: ``baselard bench``."""
