"""Where the workspace of a caller is, and where in it the caller stands."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from baselard.engine.api.more import workspace
from baselard.engine.api.more.objects.workspace import Workspace


@pytest.mark.parametrize("inside", [".", "ci", ".ci", "..ci/a", ".github/workflows"])
def test_the_path_leads_from_the_root_to_the_caller(inside: str, tmp_path: Path) -> None:
    """Judge: the file system. Whoever goes from the root along the path is where the caller was."""
    (tmp_path / ".git").mkdir()
    here = tmp_path / inside
    here.mkdir(parents=True, exist_ok=True)
    context = SimpleNamespace(session=SimpleNamespace(workdir=here), need_machine=lambda what: None)
    found = workspace.current_workspace(context)  # type: ignore[arg-type]
    assert isinstance(found, Workspace) and found.root == str(tmp_path)
    assert found.path.startswith("/")
    assert Path(f"{found.root}{found.path}").samefile(here)
