"""Find the notes that programmers leave for later."""
