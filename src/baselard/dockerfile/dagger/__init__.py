"""The Builder that works through dagger-io, on whatever serves the Dagger API."""
