"""An index of many files is written in small pieces. That the kernel mounts it is tests/integration's to show."""

import stat

from baselard.engine.images.layers import erofs
from baselard.engine.images.layers.erofs import BLOCK, Inode

FILES = 5000


def test_no_piece_grows_with_the_number_of_files() -> None:
    below = {b"%04d" % number: Inode(stat.S_IFREG | 0o644, size=1, at=number * BLOCK) for number in range(FILES)}
    directories = {b"d%02d" % at: Inode(stat.S_IFDIR | 0o755, below=dict([*below.items()][at::50])) for at in range(50)}
    pieces = list(erofs.written(Inode(stat.S_IFDIR | 0o755, below=directories), FILES * BLOCK))
    assert max(map(len, pieces)) <= 16 * BLOCK
    assert sum(map(len, pieces)) % BLOCK == 0
    assert sum(map(len, pieces)) > FILES * 64
