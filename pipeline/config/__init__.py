"""Reading baselard.yaml: its text with places, what is checked of it, and the settings it becomes."""
