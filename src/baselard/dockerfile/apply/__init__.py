"""A plan as calls on a Builder, whichever engine it works on."""
