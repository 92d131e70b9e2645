"""The store: snapshots, blobs and results on disk, and the locks between processes."""
