"""Pins found in Dockerfiles and workflows, and moved in their text.

Judges: the Dockerfile room, which reads each moved text again, and PyYAML, which reads each moved workflow.
"""

import json

import pytest
import yaml

from pipeline.errors import UsageError
from pipeline.stale import actions, dockerfiles, pins
from pipeline.stale.dockerfiles import Reading
from pipeline.stale.pins import Newest, Pin, Standing

OLD, NEW, OTHER = ("sha256:" + sign * 64 for sign in "abc")
COMMIT, NEXT = "1" * 40, "2" * 40


def reading(text, **args):
    contexts = args.pop("contexts", ())
    empty = Reading("Dockerfile", args, contexts)
    return Reading("Dockerfile", args, contexts, tuple(empty.froms(text)))


def move(text, moves, **args):
    return dockerfiles.moved(text, reading(text, **args), moves)


@pytest.mark.parametrize(
    "text",
    [
        "FROM debian:13@{}\n",
        "FROM --platform=linux/amd64 debian:13@{} AS one\nFROM one\nRUN echo hi\n",
        "FROM \\\n  debian:13@{}\n",
        "ARG BASE=debian:13@{}\nFROM ${{BASE}}\n",
        "ARG TAG=13 DIGEST={}\nFROM debian:${{TAG}}@$DIGEST\n",
        'ARG DIGEST="{}"\nFROM debian:13@${{DIGEST}}\nFROM debian:13@${{DIGEST}}\n',
        "FROM scratch\nCOPY --from=debian:13@{} /a /a\n",
        "FROM scratch\nRUN --mount=from=debian:13@{},target=/x true\n",
        "# debian:13 is what we start from\r\nFROM debian:13@{}\r\n",
        "# escape=`\nFROM `\n debian:13@{}\n",
    ],
)
def test_a_digest_moves_wherever_it_is_written(text):
    moved, problems = move(text.format(OLD), {f"debian:13@{OLD}": f"debian:13@{NEW}"})
    assert (moved, problems) == (text.format(NEW), [])


def test_a_digest_in_a_comment_or_of_another_image_stays():
    text = f"# was {OLD}\nFROM other:1@{OLD} AS first\nFROM debian:13@{OLD}\n# is {OLD}\n"
    moved, problems = move(text, {f"debian:13@{OLD}": f"debian:13@{NEW}"})
    assert (moved, problems) == (f"# was {OLD}\nFROM other:1@{OLD} AS first\nFROM debian:13@{NEW}\n# is {OLD}\n", [])


def test_an_argument_that_other_images_have_too_is_left_alone_and_told():
    text = f"ARG D={OLD}\nFROM other:1@$D AS first\nFROM debian:13@$D\n"
    moved, problems = move(text, {f"debian:13@{OLD}": f"debian:13@{NEW}"})
    assert moved == text
    assert problems == [f"Dockerfile:3: {OLD[:19]} is not written here; change the build argument that has it"]


def test_what_a_build_argument_of_the_configuration_says_is_told():
    text = f"ARG BASE=debian:13@{OTHER}\nFROM $BASE\n"
    moved, problems = move(text, {f"debian:13@{OLD}": f"debian:13@{NEW}"}, BASE=f"debian:13@{OLD}")
    assert moved == text and "Dockerfile:2" in problems[0]


def test_stages_contexts_and_scratch_are_not_from_elsewhere():
    text = f"FROM debian:13@{OLD} AS a\nFROM a AS b\nFROM given\nFROM scratch\nCOPY --from=b /x /x\n"
    assert [one.reference for one in reading(text, contexts=("given",)).foreign] == [f"debian:13@{OLD}"]


@pytest.mark.parametrize(
    ("written", "name", "at", "movable"),
    [
        ("debian", "debian", "", True),
        ("debian:13", "debian:13", "", True),
        (f"debian:13@{OLD}", "debian:13", OLD, True),
        (f"docker.io/library/debian:13@{OLD}", "debian:13", OLD, True),
        (f"ghcr.io/a/b@{OLD}", "ghcr.io/a/b", OLD, False),
    ],
)
def test_an_image_as_a_pin(written, name, at, movable):
    pin = dockerfiles.image(written, "Dockerfile", 1)
    assert (pin.name, pin.at, pin.movable) == (name, at, movable)


WORKFLOW = f"""\
on: push
jobs:
  one:
    uses: acme/flows/.github/workflows/x.yml@{COMMIT} # v1.2.3
  two:
    steps:
      - uses: actions/checkout@{COMMIT} # v4.2.2
      - {{ name: it, uses: "actions/cache/save@{COMMIT}" }}
      - uses: actions/setup-go@v5
      - uses: ./local
      - uses: docker://debian:13@{OLD}
      - run: |
          uses: actions/checkout@{COMMIT}
      - uses: 'actions/upload@{COMMIT}' # zizmor: ignore[x]
"""


def test_what_a_workflow_uses():
    found = [(use.pin.name, use.pin.at, use.pin.version, use.pin.line) for use in actions.uses(WORKFLOW, "w.yml")]
    assert found == [
        ("acme/flows/.github/workflows/x.yml", COMMIT, "v1.2.3", 4),
        ("actions/checkout", COMMIT, "v4.2.2", 7),
        ("actions/cache/save", COMMIT, "", 8),
        ("actions/setup-go", "", "v5", 9),
        ("debian:13", OLD, "", 11),
        ("actions/upload", COMMIT, "", 14),
    ]


def test_pins_of_a_workflow_move_with_their_versions_and_nothing_else_does():
    found = actions.uses(WORKFLOW, "w.yml")
    newest = {use.pin: Newest(NEW if use.pin.kind == "image" else NEXT, "v9.0.1") for use in found if use.pin.at}
    moved = actions.moved(WORKFLOW, found, newest)
    changed = [(a, b) for a, b in zip(WORKFLOW.splitlines(), moved.splitlines(), strict=True) if a != b]
    assert [b for _, b in changed] == [
        f"    uses: acme/flows/.github/workflows/x.yml@{NEXT} # v9.0.1",
        f"      - uses: actions/checkout@{NEXT} # v9.0.1",
        f'      - {{ name: it, uses: "actions/cache/save@{NEXT}" }}',
        f"      - uses: docker://debian:13@{NEW}",
        f"      - uses: 'actions/upload@{NEXT}' # zizmor: ignore[x]",
    ]
    steps = yaml.safe_load(moved)["jobs"]["two"]["steps"]
    assert steps[2] == {"uses": "actions/setup-go@v5"} and COMMIT in steps[5]["run"]


def test_a_workflow_that_is_no_yaml_is_told_with_its_line():
    with pytest.raises(UsageError, match=r"w\.yml:2: not YAML"):
        actions.uses("a: b\n  c: d\n", "w.yml")
    assert actions.uses("", "w.yml") == []


STANDINGS = [
    Standing(Pin("image", "Dockerfile", 1, "debian:13", OLD), Newest(NEW)),
    Standing(Pin("image", "Dockerfile", 2, "debian:12", OLD), Newest(OLD)),
    Standing(Pin("tool", "baselard", 0, "debian:trixie-slim"), Newest(NEW)),
    Standing(Pin("image", "Dockerfile", 3, "a/b", OLD, movable=False), Newest(OLD)),
    Standing(Pin("image", "Dockerfile", 4, "gone:1", OLD), Newest(problem="no such tag")),
    Standing(Pin("action", "w.yml", 7, "actions/checkout", COMMIT, "v4"), Newest(NEXT, "v5.0.0")),
]


def test_the_table_says_how_each_stands_and_what_nobody_knows():
    lines = pins.as_table(STANDINGS).splitlines()
    assert [line.split()[-1] for line in lines[1:7]] == [
        *("Dockerfile:1", "Dockerfile:2", "baselard", "Dockerfile:3", "Dockerfile:4", "w.yml:7")
    ]
    assert lines[7:] == ["", "2 of 6 outdated, 1 could not be asked about", "gone:1: no such tag"]
    assert lines[6].split() == ["action", "actions/checkout", "v4", "v5.0.0", "outdated", "w.yml:7"]


def test_the_same_for_programs():
    entries = json.loads(pins.as_json(STANDINGS))
    states = ["outdated", "current", "not pinned", "fixed", "unknown", "outdated"]
    assert [one["state"] for one in entries] == states
    assert (entries[5]["at"], entries[5]["newest"], entries[5]["newest-version"]) == (COMMIT, NEXT, "v5.0.0")
