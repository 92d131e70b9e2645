"""What the Dagger API serves, and the door that serves it."""
