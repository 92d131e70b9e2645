"""What policy.json (containers-policy.json(5)) lets in; skopeo, which enforces it too, is the judge."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from baselard.oci import reference
from baselard.oci.errors import SettingsError
from baselard.oci.registry import policy

ACCEPT, REJECT = [{"type": "insecureAcceptAnything"}], [{"type": "reject"}]
SIGNED = [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/dev/null"}]
DIGEST = "sha256:" + "a" * 64


def written(home: Path, content: object) -> dict[str, str]:
    (home / ".config/containers").mkdir(parents=True, exist_ok=True)
    (home / ".config/containers/policy.json").write_text(json.dumps(content))
    return {"HOME": str(home)}


def accepts(address: str, environ: dict[str, str]) -> bool:
    try:
        policy.check(reference.parse(address), environ)
    except SettingsError:
        return False
    return True


@pytest.mark.parametrize(
    "scope",
    [
        None,  # the default alone
        "",
        "{host}",
        "{host}/team",
        "{host}/team/app",
        "{host}/team/app:1",
        "{host}/team/app:2",
        "{host}/tea",
        "*.localhost",
    ],
)
@pytest.mark.parametrize(("inside", "outside"), [(ACCEPT, REJECT), (REJECT, ACCEPT), (SIGNED, ACCEPT)])
def test_skopeo_lets_the_same_in(
    server: Any, tmp_path: Path, scope: str | None, inside: list[Any], outside: list[Any]
) -> None:
    skopeo = shutil.which("skopeo") or pytest.skip("skopeo is not installed")
    address = f"{server.host}/team/app:1"
    content: dict[str, Any] = {"default": inside if scope is None else outside}
    if scope is not None:
        content["transports"] = {"docker": {scope.format(host=server.host): inside}}
    env = written(tmp_path / "home", content)
    image(skopeo, tmp_path, address)
    file = tmp_path / "home/.config/containers/policy.json"
    argv = [
        skopeo,
        "--policy",
        str(file),
        "copy",
        "--src-tls-verify=false",
        f"docker://{address}",
        f"dir:{tmp_path / 'x'}",
    ]
    judged = subprocess.run(argv, capture_output=True, check=False, text=True)
    assert accepts(address, env) is (judged.returncode == 0), judged.stderr


def image(skopeo: str, place: Path, address: str) -> None:
    """The least that is one: a configuration and no layers."""
    subprocess.run(["umoci", "init", "--layout", place / "image"], check=True)
    subprocess.run(["umoci", "new", "--image", f"{place / 'image'}:1"], check=True)
    argv = [skopeo, "--insecure-policy", "copy", "-q", "--dest-tls-verify=false"]
    subprocess.run([*argv, f"oci:{place / 'image'}:1", f"docker://{address}"], check=True)


@pytest.mark.parametrize(
    ("scope", "address", "allowed"),
    [
        ("*.example.com", "a.b.example.com/x:1", True),
        ("*.example.com", "example.com/x:1", False),
        ("docker.io/library/debian", f"debian:12@{DIGEST}", True),
        (f"docker.io/library/debian@{DIGEST}", f"debian:12@{DIGEST}", True),
        ("docker.io/library/debian:12", f"debian:12@{DIGEST}", False),
    ],
)
def test_domains_and_digests_are_scopes(tmp_path: Path, scope: str, address: str, allowed: bool) -> None:
    """The manual's section "docker:"; such hosts are not to be had for skopeo here."""
    env = written(tmp_path, {"default": REJECT, "transports": {"docker": {scope: ACCEPT}}})
    assert accepts(address, env) is allowed


@pytest.mark.parametrize("content", [1, {}, {"default": 1}, {"default": ["x"]}])
def test_what_is_no_policy_is_named(tmp_path: Path, content: object) -> None:
    with pytest.raises(SettingsError, match=r"policy\.json is not a policy"):
        policy.check(reference.parse("debian:12"), written(tmp_path, content))
