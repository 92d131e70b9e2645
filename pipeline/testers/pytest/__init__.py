"""pytest in an image that has none, with testinfra: its tool, the tester, and what is made of its JUnit XML."""
