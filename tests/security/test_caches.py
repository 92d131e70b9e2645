"""A cache decides what its steps made: it is taken from those alone whose key is trusted. openssl makes the keys."""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.errors import UserError
from baselard.engine.files import merging
from baselard.engine.images import reference, signing, transfer
from baselard.engine.images.registries import Registries
from baselard.engine.solver.graph import Result, Value
from baselard.engine.store.database import Store
from tests.registry_servers import running_registry

pytestmark = [pytest.mark.root, pytest.mark.usefixtures("_own_mounts")]


class Keys:
    """Two people's keys, as files: ``ours`` and ``theirs``, each with its public half in ``.pub``."""

    def __init__(self, place: Path) -> None:
        self.place = place
        for name in ("ours", "theirs"):
            subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", place / name], check=True)
            public = ["-pubout", "-out", str(place / f"{name}.pub")]
            subprocess.run(["openssl", "pkey", "-in", place / name, *public], check=True)

    def __getitem__(self, name: str) -> str:
        return (self.place / name).read_text()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def given(tmp_path: Path) -> Any:
    """A store in which a run made one result."""
    store = Store.open(tmp_path / "given")
    transfer.note_run(store)
    with merging.snapshots(store).layer(None) as draft:
        (draft.path / "program").write_text("#!/bin/sh\n")
        tree = draft.commit()
    store.record(["build"], Result((Value("sha256:" + "1" * 64, tree),), {"exit": 0}))
    yield store
    store.close()


@pytest.fixture
def taken(tmp_path: Path) -> Any:
    store = Store.open(tmp_path / "taken")
    yield store
    store.close()


def _refused(taken: Store, cache: Path, trusted: tuple[str, ...], reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        transfer.import_directory(taken, cache, trusted)
    assert taken.lookup("build") is None
    assert not list((taken.root / "blobs").rglob("*")) or not taken.db.execute("SELECT * FROM blobs").fetchall()


def test_what_a_trusted_key_signed_is_taken(given: Store, taken: Store, keys: Keys, tmp_path: Path) -> None:
    transfer.export_directory(given, 0, tmp_path / "cache", keys["ours"])
    trusted = signing.keys(keys["theirs.pub"] + keys["ours.pub"], "both")
    assert transfer.import_directory(taken, tmp_path / "cache", trusted).results == 1
    assert taken.lookup("build")


def test_openssl_agrees_with_the_signature(given: Store, keys: Keys, tmp_path: Path) -> None:
    """The command of docs/how-to/store.md verifies what export wrote."""
    transfer.export_directory(given, 0, tmp_path / "cache", keys["ours"])
    manifest = _manifest(tmp_path / "cache")
    (tmp_path / "text").write_text(f"baselard cache v1\n{manifest['config']['digest']}\n")
    signature = manifest["annotations"]["dev.baselard.cache.signature"]
    done = subprocess.run(["openssl", "base64", "-d", "-A"], input=signature.encode(), capture_output=True, check=True)
    (tmp_path / "signature").write_bytes(done.stdout)
    verify = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", str(keys.place / "ours.pub"), "-rawin"]
    subprocess.run([*verify, "-in", tmp_path / "text", "-sigfile", tmp_path / "signature"], check=True)


def test_a_registrys_cache_bears_its_signature(given: Store, taken: Store, keys: Keys, tmp_path: Path) -> None:
    with running_registry(tmp_path / "registry") as server:
        target = reference.parse(f"{server.host}/cache:main")
        transfer.export_registry(given, 0, Registries(), target, print, key=keys["ours"])
        with pytest.raises(UserError, match="signed by no key that is trusted here"):
            transfer.import_registry(taken, Registries(), target, print, [keys["theirs.pub"]])
        assert taken.lookup("build") is None
        transfer.import_registry(taken, Registries(), target, print, [keys["ours.pub"]])
    assert taken.lookup("build")


def test_another_keys_cache_is_refused(given: Store, taken: Store, keys: Keys, tmp_path: Path) -> None:
    transfer.export_directory(given, 0, tmp_path / "cache", keys["theirs"])
    _refused(taken, tmp_path / "cache", (keys["ours.pub"],), "signed by no key that is trusted here")


def test_a_cache_without_a_signature_is_refused(given: Store, taken: Store, keys: Keys, tmp_path: Path) -> None:
    transfer.export_directory(given, 0, tmp_path / "cache")
    _refused(taken, tmp_path / "cache", (keys["ours.pub"],), "bears no signature")


def _manifest(cache: Path) -> Any:
    name = json.loads((cache / "index.json").read_text())["manifests"][0]["digest"]
    return json.loads((cache / "blobs/sha256" / name[7:]).read_text())


def _put(cache: Path, data: Any) -> dict[str, Any]:
    text = json.dumps(data).encode()
    name = hashlib.sha256(text).hexdigest()
    (cache / "blobs/sha256" / name).write_bytes(text)
    return {"digest": f"sha256:{name}", "size": len(text)}


def _rewritten(cache: Path, change: Callable[[Any, Any], None]) -> None:
    """Have every digest fit again after the manifest and its list of results were changed, as a forger would."""
    manifest = _manifest(cache)
    listed = json.loads((cache / "blobs/sha256" / manifest["config"]["digest"][7:]).read_text())
    change(manifest, listed)
    manifest["config"] |= _put(cache, listed)
    index = json.loads((cache / "index.json").read_text())
    index["manifests"][0] |= _put(cache, manifest)
    (cache / "index.json").write_text(json.dumps(index))


def _another_result(_manifest: Any, listed: Any) -> None:
    listed["results"][0][0] = "another build"


def _another_layer(manifest: Any, listed: Any) -> None:
    digest = "sha256:" + hashlib.sha256(b"").hexdigest()
    manifest["layers"][0] |= {"digest": digest, "size": 0}
    listed["snapshots"][0]["layer"] |= {"digest": digest, "size": 0}


def _no_base64(manifest: Any, listed: Any) -> None:
    listed["results"][0][0] = "another build"
    manifest["annotations"]["dev.baselard.cache.signature"] = "\0"


def _empty(manifest: Any, _listed: Any) -> None:
    manifest["annotations"]["dev.baselard.cache.signature"] = ""


@pytest.mark.parametrize("change", [_another_result, _another_layer, _no_base64, _empty])
def test_a_cache_that_was_changed_is_refused(
    given: Store, taken: Store, keys: Keys, tmp_path: Path, change: Callable[[Any, Any], None]
) -> None:
    cache = tmp_path / "cache"
    transfer.export_directory(given, 0, cache, keys["ours"])
    _rewritten(cache, change)
    _refused(taken, cache, (keys["ours.pub"],), "signed by no key that is trusted here|bears no signature")


def test_a_layer_that_was_exchanged_is_refused(given: Store, taken: Store, keys: Keys, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    transfer.export_directory(given, 0, cache, keys["ours"])
    layer = cache / "blobs/sha256" / _manifest(cache)["layers"][0]["digest"][7:]
    layer.write_bytes(b"something else")
    with pytest.raises(UserError, match="the exported cache is broken"):
        transfer.import_directory(taken, cache, [keys["ours.pub"]])
    assert taken.lookup("build") is None


@pytest.mark.parametrize("text", ["", "ours", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_key_is_told(given: Store, taken: Store, keys: Keys, tmp_path: Path, text: str) -> None:
    transfer.export_directory(given, 0, tmp_path / "cache", keys["ours"])
    with pytest.raises(UserError, match=r"neither a key in PEM nor a file|openssl cannot read it"):
        transfer.import_directory(taken, tmp_path / "cache", signing.keys(text, "SETTING"))
    with pytest.raises(UserError, match="not a private key that openssl knows"):
        signing.sign(keys["ours.pub"], b"text")


def _cache(tmp_path: Path, store: str, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    own = {"BASELARD_STORE": str(tmp_path / store), "PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "baselard.cli", "cache", *words]
    return subprocess.run(command, env={**own, **env}, capture_output=True, text=True, check=False)


def test_the_command_takes_nothing_unsigned_unless_told(given: Store, keys: Keys, tmp_path: Path) -> None:
    """The keys by their files and by their text; the flag for what nobody signed."""
    place, public = str(tmp_path / "cache"), "BASELARD_CACHE_PUBLIC_KEY"
    given.db.execute("UPDATE results SET used = ?", (time.time() + 9,))
    assert _cache(tmp_path, "given", "export", place).returncode == 0
    refused = _cache(tmp_path, "taken", "import", place)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"set {public} to the key that has to have signed it, or say --unsigned" in refused.stderr
    unsigned = _cache(tmp_path, "taken", "import", place, **{public: keys["ours.pub"]})
    assert (unsigned.returncode, unsigned.stdout) == (2, "")
    assert "bears no signature" in unsigned.stderr
    assert _cache(tmp_path, "one", "import", "--unsigned", place).stdout.startswith("imported 1 results")
    own = {"BASELARD_CACHE_SIGNING_KEY": str(keys.place / "ours")}
    assert _cache(tmp_path, "given", "export", place, **own).returncode == 0
    for number, env in enumerate([own, {public: str(keys.place / "ours.pub")}, {public: keys["ours.pub"]}]):
        assert _cache(tmp_path, f"store {number}", "import", place, **env).stdout.startswith("imported 1 results")
    assert _cache(tmp_path, "other", "import", place, **{public: keys["theirs.pub"]}).returncode == 2
    assert _cache(tmp_path, "other", "export", "--unsigned", place).returncode == 2
