"""Every key of the schema is documented, and the example in the documentation is valid."""

import json
import re
from pathlib import Path

import pytest

from pipeline import config

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docs/reference/configuration.md").read_text()
SCHEMA = json.loads((ROOT / "baselard.schema.json").read_text())


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


def test_the_example_is_valid():
    (example,) = re.findall(r"```yaml\n(bases:.*?)```", TEXT, re.DOTALL)
    assert len(config.parse(example).bases) == 3


def test_this_repository_s_own_file_is_valid():
    assert config.parse((ROOT / "baselard.yaml").read_text()).bases[0].targets == ("standard", "dev")
