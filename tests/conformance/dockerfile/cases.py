"""The cases of the differential suite: inline Dockerfiles and their contexts, in cases/*.yaml."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import socket
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
EXPECTED = HERE / "expected"
CAPABILITY = "security.capability"


@dataclass(frozen=True)
class Case:
    """One build. `files` maps a path to text, or to `{link:}`, `{text:, mode:}`, `{dir: mode}`, `{base64:}`, `{tar:}`;
    `xattr` has a file's attributes, `capability` the one that is not text, in base64. `ssh` gives the build an agent.

    `contexts` maps a name to files of its own, or to the reference of a test image. `fails` says that docker refuses.
    `oracle: false` marks what the oracle is too old for: its expectation is written by hand, after the documentation.
    """

    name: str
    dockerfile: str
    group: str = ""
    files: dict[str, Any] = field(default_factory=dict)
    args: dict[str, str] = field(default_factory=dict)
    target: str = ""
    contexts: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    path: str = "Dockerfile"
    fails: bool = False
    oracle: bool = True
    hidden: bool = False
    ssh: bool = False

    @property
    def is_roots(self) -> bool:
        """Whether only root can write its context: file capabilities are nobody else's to set."""
        return any(isinstance(what, dict) and what.get("capability") for what in self.files.values())

    def write(self, folder: Path) -> None:
        """The context with its Dockerfile, below `folder`."""
        write_files(folder, {**self.files, self.path: self.dockerfile})


def load_cases() -> list[Case]:
    cases = []
    for path in sorted((HERE / "cases").glob("*.yaml")):
        cases += [Case(**raw, group=path.stem) for raw in yaml.safe_load(path.read_text())]
    names = [case.name for case in cases]
    assert len(names) == len(set(names)), [name for name in names if names.count(name) > 1]
    return cases


def load_expected(group: str) -> dict[str, Any]:
    """A group's answers by case; those that the oracle is too old for were written after the documentation."""
    return {**_read(EXPECTED / f"{group}.json"), **_read(EXPECTED / "documented.json")}


def _read(path: Path) -> dict[str, Any]:
    answers: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return answers


def save_expected(group: str, answers: dict[str, Any]) -> None:
    """One line a case, so that a change of behaviour is a change of one line."""
    EXPECTED.mkdir(exist_ok=True)
    lines = [
        f"{json.dumps(k)}: {json.dumps(v, sort_keys=True, ensure_ascii=False)}" for k, v in sorted(answers.items())
    ]
    (EXPECTED / f"{group}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def write_files(folder: Path, files: dict[str, Any]) -> None:
    for name, what in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, what if isinstance(what, dict) else {"text": what})


def _write(path: Path, what: dict[str, Any]) -> None:
    if "link" in what:
        path.symlink_to(what["link"])
        return
    if "dir" in what:
        path.mkdir(exist_ok=True)
        path.chmod(what["dir"])
    else:
        path.write_bytes(_data(what))
        path.chmod(what.get("mode", 0o644))
    for name, value in _attributes(what).items():
        os.setxattr(path, name, value)


def _attributes(what: dict[str, Any]) -> dict[str, bytes]:
    found = {name: value.encode() for name, value in what.get("xattr", {}).items()}
    return found | ({CAPABILITY: base64.b64decode(what["capability"])} if "capability" in what else {})


def _data(what: dict[str, Any]) -> bytes:
    if "tar" in what:
        return _tar(what["tar"], what.get("format", ""))
    return base64.b64decode(what["base64"]) if "base64" in what else what["text"].encode()


def _tar(files: dict[str, Any], compression: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{compression}", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
        for name, what in files.items():
            spec = what if isinstance(what, dict) else {"text": what}
            entry = tarfile.TarInfo(name)
            entry.mode, entry.uid, entry.gid = spec.get("mode", 0o644), spec.get("uid", 0), spec.get("gid", 0)
            entry.mtime = 1_700_000_000
            entry.pax_headers = {f"SCHILY.xattr.{k}": v.decode() for k, v in _attributes(spec).items()}
            data = spec.get("text", "").encode()
            if "link" in spec:
                entry.type, entry.linkname = tarfile.SYMTYPE, spec["link"]
            elif "dir" in spec:
                entry.type, entry.mode = tarfile.DIRTYPE, spec["dir"]
            else:
                entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


@contextlib.contextmanager
def agent(path: Path) -> Iterator[Path]:
    """A socket at `path` that could be an agent's."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        yield path
