"""Plain users of the benches and tests: what of root's environment is theirs too."""

from pathlib import Path

import pytest

from bench.user import User


@pytest.mark.parametrize(("mode", "closed"), [(0o700, {"PYENV_ROOT"}), (0o755, set())])
def test_a_place_in_a_home_they_may_not_enter_is_not_handed_on(
    mode: int, closed: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Judge: the permissions of directories; a program asked to look there would end with EACCES."""
    monkeypatch.setattr("bench.user.os.chown", lambda *_: None)
    home, theirs = tmp_path / "root", tmp_path / "home"
    home.mkdir()
    theirs.mkdir()
    home.chmod(mode)
    environ = {
        "HOME": str(home),
        "PATH": f"{home}/bin:/usr/bin",  # the rest of it is needed
        "PYENV_ROOT": f"{home}/.pyenv",
        "BESIDE": f"{home}ed",
        "BASELARD_STORE": "/srv/store",
    }
    words = User(1234, 100_000, theirs, ("as-them",)).login(environ)
    unset = {word.partition("=")[2] for word in words if word.startswith("--unset=")}
    assert unset == closed | {"BASELARD_STORE"}
    assert (words[0], f"HOME={theirs}" in words) == ("as-them", True)
