"""Publishing what was tested, and asking the registry afterwards whether it has it."""
