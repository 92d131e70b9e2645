"""The embedded engine: serves the Dagger API on one Linux machine, without Docker or a daemon."""
