"""Judges of an image: a file for each way, behind one Protocol, and the table of them (docs/testers.md)."""
