"""Digests, as the OCI image specification's descriptor.md has them. Judge: sha256sum and sha512sum of coreutils."""

import subprocess
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.solver.digest import checked
from baselard.oci import digests
from baselard.oci.errors import InvalidDigestError

SHORT, MIDDLE, LONG = (f"sha{bits}:" + "0123456789abcdef" * (bits // 64) for bits in (256, 384, 512))


def summed(program: str, path: Path) -> str:
    return subprocess.run([program, path], check=True, capture_output=True, text=True).stdout.split()[0]


def test_content_has_the_digest_that_other_programs_tell(tmp_path: Path) -> None:
    path = tmp_path / "content"
    path.write_bytes(data := bytes(range(256)) * 1000)
    sha256, sha512 = f"sha256:{summed('sha256sum', path)}", f"sha512:{summed('sha512sum', path)}"
    assert digests.of_bytes(data) == sha256
    assert digests.of_bytes(data, like=sha512) == sha512
    assert digests.of_bytes(data, like="md5:00") == sha256
    with path.open("rb") as file:
        assert digests.of_file(file) == sha256


@pytest.mark.parametrize("text", [SHORT, MIDDLE, LONG])
def test_a_digest_is_read(text: str) -> None:
    found = digests.parse(text)
    assert (str(found), f"{found.algorithm}:{found.hex}") == (text, text)
    assert digests.blob_path(text) == f"blobs/{found.algorithm}/{found.hex}"


WRONG = [
    "",
    "sha256",
    SHORT[7:],
    SHORT[:-1],
    SHORT + "0",
    SHORT.upper(),
    SHORT + "\n",
    "md5:" + "0" * 32,
    "sha256:../x",
]


@pytest.mark.parametrize("text", [*WRONG, None, 7, [SHORT]])
def test_what_is_no_digest(text: object) -> None:
    with pytest.raises(InvalidDigestError, match="is not a digest; write sha256: and 64 hex digits"):
        digests.parse(text)
    with pytest.raises(UserError, match="is not a digest"):
        checked(text)


def test_the_store_has_those_by_sha256_alone() -> None:
    assert checked(SHORT) == SHORT
    with pytest.raises(UserError, match="only those by sha256 are"):
        checked(LONG)
