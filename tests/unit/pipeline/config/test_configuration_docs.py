"""Every key of the schema is documented, and the example in the documentation is valid."""

import json
import re
from pathlib import Path

import pytest

from pipeline.config import config
from pipeline.discovery import discover, plan

ROOT = Path(__file__).resolve().parents[4]
TEXT = (ROOT / "docs/reference/configuration.md").read_text()
SCHEMA = json.loads((ROOT / "pipeline/baselard.schema.json").read_text())


def keys(node):
    if isinstance(node, dict):
        for key, value in node.get("properties", {}).items() if isinstance(node.get("properties"), dict) else ():
            yield key
            yield from keys(value)
        for name, value in node.items():
            if name != "properties":
                yield from keys(value)


@pytest.mark.parametrize("key", sorted(set(keys(SCHEMA))))
def test_each_key_is_documented(key):
    assert re.search(rf"`(?:\w+\.)?{re.escape(key)}`", TEXT) or f"### `{key}`" in TEXT or f"`{key}." in TEXT


def shapes():
    """The shapes of the page: each configuration, with its files in comments above, and the plan below it."""
    found = re.findall(r"### (.*?)\n.*?```yaml shape\n(.*?)```\n\n```text plan\n(.*?)\n```", TEXT, re.DOTALL)
    return [pytest.param(text, tree, id=title) for title, text, tree in found]


@pytest.mark.anyio
@pytest.mark.parametrize(("text", "tree"), shapes())
async def test_each_shape_has_the_plan_that_the_page_shows(repository, text, tree):
    files = {"baselard.yaml": text}
    for path, line in re.findall(r"^# (\S+): (.*)$", text, re.MULTILINE):
        files[path] = files.get(path, "") + line + "\n"
    assert plan.as_tree(plan.of(await discover.project(repository(files)))) == tree


def test_no_shape_is_overlooked():
    assert len(shapes()) == TEXT.count("```yaml shape") == TEXT.count("```text plan") > 3


def test_this_repository_s_own_file_is_valid():
    assert config.parse((ROOT / "baselard.yaml").read_text()).bases[0].targets == ("standard", "dev")
