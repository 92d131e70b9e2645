"""The table of images in README.md."""

import pytest

from pipeline.config.config import Config
from pipeline.errors import BaselardError
from pipeline.project import Project
from pipeline.publish import docs
from pipeline.registry.index import PlatformImage, Published
from pipeline.share import Account

IMAGE = Published(
    "sha256:0123456789abcdef", (PlatformImage("linux/amd64", "sha256:a", 29_800_000, "2026-01-31T00:00:00Z"),)
)


def test_a_row():
    made = docs.row("ghcr.io/a/base", ["latest", "1.0"], IMAGE)
    assert made == (
        "| `ghcr.io/a/base:1.0`, `ghcr.io/a/base:latest` | `sha256:0123456789ab` | linux/amd64 30 MB | 2026-01-31 |"
    )


def test_only_the_part_between_the_marks_changes_and_twice_is_once():
    text = f"# x\n{docs.BEGIN}\nold\n{docs.END}\nrest\n"
    once = docs.replaced(text, docs.table(["| b |", "| a |"]))
    assert once.startswith("# x\n")
    assert once.endswith(f"| a |\n| b |\n{docs.END}\nrest\n")
    assert docs.replaced(once, docs.table(["| a |", "| b |"])) == once


@pytest.mark.anyio
async def test_tags_for_tests_and_tags_about_an_image_are_not_for_readers(registry_in_memory, monkeypatch):
    async def read(_repository, _tag):
        return IMAGE

    monkeypatch.setattr(docs.index, "read", read)
    about = "sha256-" + "0" * 64
    held = dict.fromkeys(["1.0", "test-1", about, f"{about}.sig"], "sha256:a")
    (row,) = await docs._rows(registry_in_memory(held), "acme/base", "test-*")
    assert row.startswith("| `acme/base:1.0` |")


@pytest.mark.anyio
async def test_without_a_readme_it_says_what_to_write(repository):
    project = Project(repository({"readme.md": ""}), Config(), (), ())
    with pytest.raises(
        BaselardError, match=r"there is no README\.md for the table: write one with a line <!-- baselard"
    ):
        await docs.updated(project, Account())


@pytest.mark.parametrize("text", ["# no marks\n", f"{docs.BEGIN}{docs.END}" * 2])
def test_without_one_clear_place_it_says_what_to_write(text):
    with pytest.raises(BaselardError, match="needs one place for the table"):
        docs.replaced(text, "x")
