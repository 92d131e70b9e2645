"""Trees of files: paths that never leave them, patterns, copies, digests, reading, export."""
