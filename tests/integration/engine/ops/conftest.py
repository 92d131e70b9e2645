"""What these tests share: a store and its snapshots on a real file system."""

from tests.trees import _namespace, trees

__all__ = ["_namespace", "trees"]
