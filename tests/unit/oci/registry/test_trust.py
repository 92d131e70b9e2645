"""Whose certificates are trusted."""

import ssl
import subprocess
from pathlib import Path

import pytest

from baselard.oci.errors import SettingsError
from baselard.oci.registry import trust


def certificate(path: Path, name: str) -> Path:
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            f"/CN={name}",
            "-keyout",
            "/dev/null",
            "-out",
            path,
        ],
        check=True,
        capture_output=True,
    )
    return path


def names(context: ssl.SSLContext) -> set[str]:
    return {value for each in context.get_ca_certs() for part in each["subject"] for _, value in part}  # type: ignore[str-unpack]


def test_files_of_the_machine_and_of_one_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate(tmp_path / "system.pem", "system")))
    monkeypatch.setenv("BASELARD_CA_FILE", str(certificate(tmp_path / "own.pem", "own")))
    (tmp_path / "certs.d" / "reg:5000").mkdir(parents=True)
    certificate(tmp_path / "certs.d" / "reg:5000" / "ca.crt", "registry")
    monkeypatch.setattr(trust, "_FOR_REGISTRIES", (str(tmp_path / "certs.d"),))
    assert {"system", "own"} <= names(trust.context())
    assert "registry" not in names(trust.context("other:5000"))
    assert {"system", "own", "registry"} <= names(trust.context("reg:5000"))


@pytest.mark.parametrize("content", [None, "nonsense"])
def test_a_file_that_holds_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None) -> None:
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    monkeypatch.setenv("BASELARD_CA_FILE", str(tmp_path / "ca.pem"))
    with pytest.raises(SettingsError, match=r"ca\.pem cannot be read"):
        trust.context()
