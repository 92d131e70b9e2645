"""Where credentials are found."""

import base64
import json
import os
from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.images import credentials
from baselard.oci.registry.credential import Credential
from baselard.oci.registry.registries_conf import CREDENTIAL_FILES


def auth(user: str, password: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def docker_config(home: Path, config: object) -> dict[str, str]:
    (home / ".docker").mkdir(parents=True)
    (home / ".docker/config.json").write_text(json.dumps(config))
    return {"HOME": str(home)}


def test_what_the_session_was_given_comes_first(tmp_path: Path) -> None:
    env = docker_config(tmp_path, {"auths": {"ghcr.io": auth("kept", "k")}})
    assert credentials.find("ghcr.io", {"ghcr.io": ("given", "g")}, env) == Credential("given", "g")
    assert credentials.find("ghcr.io", {}, env) == Credential("kept", "k")
    assert credentials.find("quay.io", {"ghcr.io": ("given", "g")}, env) is None


@pytest.mark.parametrize("name", ["https://index.docker.io/v1/", "docker.io", "registry-1.docker.io"])
def test_docker_hub_has_many_names(tmp_path: Path, name: str) -> None:
    env = docker_config(tmp_path, {"auths": {name: auth("me", "a:b")}})
    assert credentials.find("docker.io", {}, env) == Credential("me", "a:b")


def test_an_identity_token(tmp_path: Path) -> None:
    env = docker_config(tmp_path, {"auths": {"x.io": {"auth": "", "identitytoken": "t"}}})
    assert credentials.find("x.io", {}, env) == Credential(identity_token="t")


def test_a_helper_that_knows_nothing_leaves_it_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = tmp_path / "docker-credential-none"
    helper.write_text("#!/bin/sh\nexit 1\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    env = docker_config(tmp_path, {"credsStore": "none", "auths": {"x.io": auth("me", "p")}})
    assert credentials.find("x.io", {}, env) == Credential("me", "p")


def test_a_namespace_comes_before_its_registry(tmp_path: Path) -> None:
    """containers-auth.json(5): a repository's entry, then each namespace's it is in, then the registry's."""
    names = ["x.io", "x.io/team", "x.io/team/app"]
    env = docker_config(tmp_path, {"auths": {name: auth(name, "p") for name in names}})
    wanted = {"x.io/team/app": "x.io/team/app", "x.io/team/other": "x.io/team", "x.io/app": "x.io", "x.io": "x.io"}
    for name, owner in wanted.items():
        assert credentials.find(name, {}, env) == Credential(owner, "p")
    assert credentials.find("x.io/team/app", {"x.io": ("given", "g")}, env) == Credential("given", "g")


def test_the_helpers_that_registries_conf_names_are_asked_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = tmp_path / "docker-credential-mine"
    helper.write_text('#!/bin/sh\nread name; echo "{\\"Username\\": \\"$name\\", \\"Secret\\": \\"s\\"}"\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    env = docker_config(tmp_path, {"auths": {"x.io": auth("me", "p")}})
    for helpers, user in ((("mine", CREDENTIAL_FILES), "x.io"), ((CREDENTIAL_FILES, "mine"), "me")):
        found = credentials.find("x.io/team", {}, env, helpers)
        assert found
        assert found.username == user


@pytest.mark.parametrize("content", ["{", "nonsense"])
def test_a_broken_file_is_named(tmp_path: Path, content: str) -> None:
    env = docker_config(tmp_path, {})
    (tmp_path / ".docker/config.json").write_text(content)
    with pytest.raises(UserError, match=r"config\.json cannot be read"):
        credentials.find("x.io", {}, env)


def test_a_broken_credential_is_named(tmp_path: Path) -> None:
    env = docker_config(tmp_path, {"auths": {"x.io": {"auth": "%%%"}}})
    with pytest.raises(UserError, match=r"stored credential for x\.io is broken"):
        credentials.find("x.io", {}, env)
