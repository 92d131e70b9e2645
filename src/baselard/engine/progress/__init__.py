"""Progress for people, while the engine works."""
