"""What people see while the engine works."""
