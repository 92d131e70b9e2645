"""The Dagger API: its objects, and the door that serves them."""
