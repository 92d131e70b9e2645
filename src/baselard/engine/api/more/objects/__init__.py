"""The objects of those parts: frozen values that build nodes, with the fields that need no session."""
