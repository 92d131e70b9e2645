"""Running goss inside an image under test, and reading what it says."""
