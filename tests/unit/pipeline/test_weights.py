"""Weights and budgets."""

import hashlib
import io
import json
import subprocess
import tarfile
import xml.etree.ElementTree as ET

import pytest

from pipeline import archive, weights
from pipeline.archive import PackedImage, PackedLayer
from pipeline.errors import BaselardError
from pipeline.model import Verdict
from pipeline.weights import Sizes

LAYERS = (
    PackedLayer("sha256:a", 30_000_000, 80_000_000, "FROM debian"),
    PackedLayer("sha256:b", 1, 20_000_000, "RUN a | b"),
)
SIZES = Sizes("base", PackedImage("sha256:m", LAYERS), (("/usr", 90_000_000),), (("perl", 8_000_000), ("new", 5_000)))


@pytest.mark.anyio
@pytest.mark.parametrize("indexes", [1, 2])
async def test_the_first_manifest_of_a_layout_is_found_through_its_indexes(indexes):
    """As docker and Dagger write them: the layout's own index names the manifest, or one more index."""
    inner = [("sha256:a", '{"layers": []}'), ("sha256:b", '{"manifests": [{"digest": "sha256:a"}]}')][:indexes]
    top = json.dumps({"manifests": [{"digest": inner[-1][0]}, {"digest": "sha256:other"}]})
    files = {"index.json": top, **{f"blobs/sha256/{name[7:]}": text for name, text in inner}}

    async def member(name):
        return files[name]

    assert await archive.first_manifest(member) == inner[0]


@pytest.mark.parametrize(
    ("allowed", "verdict"), [("", Verdict.NOTED), ("100MB", Verdict.PASSED), ("99.9MB", Verdict.FAILED)]
)
def test_budgets(allowed, verdict):
    (case,) = weights.check(SIZES, allowed).cases
    assert case.verdict is verdict
    assert case.message.startswith("100.0 MB unpacked, 30.0 MB compressed")


def test_a_budget_that_is_no_size():
    with pytest.raises(BaselardError, match="write it like 900MB"):
        weights.budget("900")


def test_the_report_names_instruction_directory_and_package():
    shown = weights.render(SIZES)
    assert "`FROM debian`" in shown
    assert "`RUN a \\| b`" in shown
    assert "`/usr`" in shown
    assert "`perl`" in shown


def test_instructions_take_the_place_of_layers():
    made = (("FROM debian", 80), ("RUN |1 A=b /bin/sh -c make  it # buildkit", 20_000), ("COPY a /a # buildkit", 1))
    shown = weights.render(Sizes("base", SIZES.archive, instructions=made))
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in shown.splitlines() if line.startswith("| `")]
    assert rows == [["`FROM debian`", "0.1 kB", ""], ["`make it`", "20.0 kB", ""], ["`COPY a /a`", "0.0 kB", ""]]


def test_the_difference_puts_the_largest_change_first():
    before = Sizes(
        "old", PackedImage("sha256:o", LAYERS[:1]), (("/usr", 80_000_000),), (("perl", 8_000_000), ("gone", 900_000))
    )
    shown = weights.render(SIZES, before)
    assert "+20.0 MB, +0.0 kB compressed against old\n- package gone: -900.0 kB\n- package new: +5.0 kB\n" in shown
    assert "- directory /usr: +10.0 MB" in shown


def test_layers_get_the_history_that_is_not_empty():
    described = [{"digest": "sha256:a", "size": 1}, {"digest": "sha256:b", "size": 2}]
    history = [{"created_by": "FROM"}, {"created_by": "ENV", "empty_layer": True}, {"created_by": "RUN"}]
    made = archive.layers(described, history, {"sha256:a": 10, "sha256:b": 20}, {"sha256:a": 3})  # type: ignore[arg-type]
    assert [one.hidden for one in made] == [3, 0]
    assert [(one.created_by, one.compressed, one.unpacked) for one in made] == [("FROM", 1, 10), ("RUN", 2, 20)]
    assert archive.layers(described, history[:1], {}, {})[0].created_by == ""  # type: ignore[arg-type]


def layer(directory, name, files):
    """A layer of these members, an OCI layer's whiteouts among them, as gzip; None is a directory."""
    path = directory / name
    with tarfile.open(path, "w:gz") as tar:
        for member, size in files.items():
            entry = tarfile.TarInfo(member)
            entry.type, entry.size = (tarfile.DIRTYPE, 0) if size is None else (tarfile.REGTYPE, size)
            if isinstance(size, str):
                entry.type, entry.size, entry.linkname = tarfile.SYMTYPE, 0, size
            tar.addfile(entry, io.BytesIO(b"x" * entry.size))
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    path.rename(directory / digest)
    return {"digest": f"sha256:{digest}", "size": len(data)}


def test_what_later_layers_hide_is_counted(tmp_path):
    """Judge: layers made here by Python's tarfile, whose bytes are known; the script runs in the host's sh and awk."""
    blobs = tmp_path / "image/blobs/sha256"
    blobs.mkdir(parents=True)
    made = [
        layer(
            blobs, "a", {"etc": None, "etc/passwd": 100, "big file": 5000, "cache/": None, "cache/x": 700, "kept": 9}
        ),
        layer(blobs, "b", {"etc/passwd": 120, ".wh.cache": 0, "./big file": "elsewhere", "opq/a": 40, "opq/b/c": 2}),
        layer(blobs, "c", {"opq/.wh..wh..opq": 0, "opq/d": 1, "etc/passwd": 130, "new": 3, ".wh.nothing": 0}),
    ]
    manifest = json.dumps(
        {"config": {"digest": "sha256:0"}, "layers": made, "annotations": {"x": "sha256:1234"}}, indent=1
    )
    (blobs / ("f" * 64)).write_text(manifest)
    (tmp_path / "image/index.json").write_text("{}")
    subprocess.run(["tar", "-C", tmp_path / "image", "-cf", tmp_path / "image.tar", "."], check=True)
    script = archive._LOOK.read_text()
    for place in ("/out", "/tmp", "/image.tar"):  # its places in the container; /tmp last becomes a part of the others
        (tmp_path / "run" / place[1:]).parent.mkdir(parents=True, exist_ok=True)
    script = script.replace("/tmp", "@").replace("/out", f"{tmp_path}/run/out").replace("@", f"{tmp_path}/run/tmp")
    script = script.replace("/image.tar", f"{tmp_path}/image.tar")
    (tmp_path / "run/out/blobs/sha256").mkdir(parents=True)
    (tmp_path / "run/tmp").mkdir()
    subprocess.run(["sh", "-c", script], check=True)
    hidden = archive._counts((tmp_path / "run/out/hidden").read_text())
    assert [hidden[one["digest"]] for one in made] == [100 + 5000 + 700, 120 + 40 + 2, 0]
    sizes = archive._counts((tmp_path / "run/out/sizes").read_text())
    assert all(sizes[one["digest"]] >= 10240 for one in made)


def test_hidden_bytes_are_told_where_there_are_any():
    wasteful = PackedImage("sha256:m", (PackedLayer("sha256:a", 1, 9_000_000, "RUN", 4_000_000), *LAYERS))
    assert weights.render(Sizes("b", wasteful)).splitlines()[0].endswith("; 4.0 MB are hidden by later layers")
    assert "hidden" not in weights.render(SIZES)


def test_the_chart_has_a_bar_for_each_layer():
    root = ET.fromstring(weights.svg([SIZES]))
    assert sum(element.tag.endswith("title") for element in root.iter()) == 2
