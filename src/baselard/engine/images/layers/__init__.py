"""Layers: snapshots as tar streams, and tar streams as snapshots."""
