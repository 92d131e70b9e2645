"""The interpreter a module runs with: ours where it asks for the SDK alone, else one made for its dependencies.

Environments are kept by what they hold, so that modules with the same dependencies share one.
"""

import hashlib
import os
import re
import shutil
import sys
from pathlib import Path

from baselard.engine.errors import ProcessError, UserError
from baselard.engine.host import checkout, process
from baselard.engine.host.caller import Caller
from baselard.engine.modules.source import PythonModule
from baselard.engine.store import cachedir, locks

SDK = "dagger-io==0.21.11"
"""What a module means by the ``sdk`` folder that a real engine generates beside it (``tool.uv.sources``)."""


def interpreter(source: PythonModule, cache: Path, user: Caller) -> Path:
    """The Python that runs ``source``, made below ``cache`` at first need.

    It is made as ``user``, because building a package executes its code. Raises UserError with pip's own words when a
    dependency cannot be installed, HostError for a cache that is another user's.
    """
    wanted = requirements(source)
    if not wanted or _is_ours(source):
        return Path(sys.executable)
    key = hashlib.sha256("\n".join([sys.version, *wanted]).encode()).hexdigest()[:16]
    home = cache / f"module-{key}"
    cachedir.require(cache)
    with locks.exclusive(cache / f"module-{key}.lock"):
        if not (home / ".complete").exists():
            _make(home, wanted, source, user)
    return home / "bin" / "python"


def requirements(source: PythonModule) -> list[str]:
    """The dependencies pyproject.toml declares, without the SDK, which is there anyway."""
    declared = source.declared.get("dependencies")
    return [text for text in map(str, declared) if _name(text) != "dagger-io"] if isinstance(declared, list) else []


def too_new(source: PythonModule) -> str:
    """The module's ``requires-python`` if this Python is older than it asks for, else an empty string."""
    asked = str(source.declared.get("requires-python", ""))
    least = re.search(r">=?\s*(\d+)\.(\d+)", asked)
    return asked if least and (int(least[1]), int(least[2])) > sys.version_info[:2] else ""


def _is_ours(source: PythonModule) -> bool:
    """Whether this is Baselard's own module: what it needs was installed with the engine."""
    return source.source == checkout.MODULE


def _make(home: Path, wanted: list[str], source: PythonModule, user: Caller) -> None:
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o755)
    if user.uid is not None:
        os.chown(home, user.uid, user.gid)
    env = {**os.environ, "HOME": user.home}
    process.run([*user.argv(), sys.executable, "-m", "venv", "--without-pip", home], env=env)
    pip = [sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), "--disable-pip-version-check"]
    pip += ["--no-input", "--quiet", "install"]
    try:
        process.run([*user.argv(), *pip, SDK, *wanted], cwd=source.source, env=env)
    except ProcessError as error:
        raise UserError(f"{source.source / 'pyproject.toml'}: its dependencies cannot be installed\n{error}") from None
    (home / ".complete").touch()


def _name(requirement: str) -> str:
    """The normalised project name at the start of a requirement (PEP 503, PEP 508)."""
    match = re.match(r"\s*([A-Za-z0-9._-]+)", requirement)
    return re.sub(r"[-_.]+", "-", match[1]).lower() if match else ""
