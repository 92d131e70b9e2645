"""The documentation's commands: all are accepted, and those that are marked so are run, on a small project.

A block whose fence says ``sh run`` is run; further words on the fence are pytest's marks (``root network full``). A
block ``text output`` right below it is what it prints to stdout.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest
import yaml
from _pytest.mark import ParameterSet

from baselard.cli import chain, check, front, options, parser
from baselard.cli.commands import COMMANDS
from baselard.cli.target import Target
from baselard.engine.errors import UserError
from baselard.engine.run.containers import limits
from bench import command as bench_command
from pipeline import errors
from tests.e2e.docs import functions_page

ROOT = Path(__file__).resolve().parents[3]
PARSED = COMMANDS.keys() - set(parser.READ_ELSEWHERE)
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


@dataclass(frozen=True)
class Block:
    """A fenced block. ``line`` is that of its fence, ``info`` the words behind it."""

    page: str
    line: int
    info: tuple[str, ...]
    text: str


def blocks(page: str, text: str) -> Iterator[Block]:
    fence, start, info, inside = "", 0, "", []
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r"\s*(`{3,}|~{3,})(.*)$", line)
        if not fence and found:
            fence, start, info, inside = found[1], number, found[2], []
        elif fence and line.strip() == fence:
            yield Block(page, start, tuple(info.split()), "\n".join(inside) + "\n")
            fence = ""
        elif fence:
            inside.append(line)


def command_lines(page: str, text: str) -> Iterator[str]:
    """All shell lines of a page: those of its blocks with their continuations, and inline code."""
    found = list(blocks(page, text))
    for block in found:
        yield from block.text.replace("\\\n", " ").splitlines()
        text = text.replace(block.text, "")
    yield from re.findall(r"`([^`\n]+)`", text)


def commands(line: str) -> Iterator[list[str]]:
    """The words of each call of baselard or of dagger's `call` in a shell line."""
    lexer = shlex.shlex(re.sub(r"^\s*(\$|- run:|run:|-) ", "", line), posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # prose with a lone quote, no shell
        return
    segment: list[str] = []
    for word in [*words, ";"]:
        if set(word) <= set("();<>|&"):
            yield from _command(segment)
            segment = []
        else:
            segment.append(word)


def _command(words: Sequence[str]) -> Iterator[list[str]]:
    rest = [word for word in words if word not in ("…", "...")]
    while rest and re.match(r"\w+=|[!{]$|if$|then$|do$|exec$", rest[0]):
        del rest[0]
    if len(rest) > 1 and (rest[0] == "baselard" or rest[0].endswith("/baselard")):
        yield rest
    if len(rest) > 1 and rest[0] == "dagger" and "call" in rest:
        yield ["dagger", *rest[1:]]


def complaint(words: Sequence[str], module: Target) -> str:
    """What is wrong with a command line; empty when it would be accepted."""
    try:
        _accept(list(words[1:]), module, dagger=words[0] == "dagger")
    except UserError as error:
        return f"{' '.join(words)}: {error}"
    return ""


def _accept(words: list[str], module: Target, *, dagger: bool) -> None:
    while words[0].startswith("-") and words[0] not in ("--help", "--version"):
        if not dagger and words[0].partition("=")[0] not in dict(front.WORDS):
            raise UserError(f"baselard has no option {words[0]}")
        del words[: 2 if words[0] in front.VALUED or (dagger and "=" not in words[0]) else 1]
    command, rest = words[0], words[1:]
    if command == "watch":  # a call, or the checks
        command, rest = ("check", rest[1:]) if rest[0] == "check" else ("call", rest)
    if command not in (*COMMANDS, "--help", "--version", "COMMAND"):
        raise UserError(options.unknown("command", command, COMMANDS))
    if command == "call":
        rest = [*rest[: rest.index("FUNCTION")], "--help"] if "FUNCTION" in rest else rest
        chain.parse(module.module, module.find, rest or ["--help"])
    elif command == "functions":
        chain.parse(module.module, module.find, [*parser.read(command, rest).names, "--help"])
    elif command == "check":
        check.matching(module.module, parser.read(command, rest).patterns)
    else:
        _known_flags(command, rest)


def _known_flags(command: str, words: Sequence[str]) -> None:
    elsewhere = {"bench": bench_command._parser().format_help(), "test": COMMANDS["test"].about}
    said = elsewhere.get(command, "") if command not in PARSED else parser.of(command).format_help()
    for word in words:
        flag = word.partition("=")[0]
        if word.startswith("-") and flag not in re.findall(r"--?[\w-]+", said):
            raise UserError(options.unknown("option", flag, []))


@pytest.mark.parametrize("name", NAMES)
def test_every_command_is_accepted(name, module):
    found = [words for line in command_lines(name, (ROOT / name).read_text()) for words in commands(line)]
    assert not [said for words in found if (said := complaint(words, module))]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("./baselard call test-exmaples", "did you mean test-examples?"),
        ("./baselard call lint --treshold info | cat", "did you mean --threshold?"),
        ("out=$(./baselard call tags --sha abcdef0)", "missing: --ref"),
        ("./baselard chek", "did you mean check?"),
        ("./baselard check lnit", "did you mean lint?"),
        ("./baselard prune --everything", "unknown option --everything"),
        ("baselard --motor dagger call lint", "no option --motor"),
        ("dagger call --surce . lint", "did you mean --source?"),
    ],
)
def test_what_does_not_exist_is_found(line, says, module):
    (words,) = commands(line)
    assert says in complaint(words, module)


def test_commands_are_found_wherever_they_stand():
    page = (
        "Say `./baselard call lint`.\n```sh\n$ A=1 ./baselard call \\\n  base >x # why\n- run: ./baselard check\n```\n"
    )
    found = [words[1:] for line in command_lines("", page) for words in commands(line)]
    assert found == [["call", "base"], ["check"], ["call", "lint"]]


def test_users_are_told_one_form_of_the_call():
    """Developers work in a checkout, with its launcher; everybody else has ``baselard`` in PATH."""
    kinds = ("README.md", "docs/tutorial/", "docs/how-to/", "docs/reference/", "examples/", "image/")
    told = [
        (name, words)
        for name in NAMES
        for line in command_lines(name, (ROOT / name).read_text())
        for words in commands(line)
        if name.startswith(kinds)
    ]
    assert len(told) > 50
    of_a_checkout = ("docs/how-to/install.md", ["./baselard", "call", "test-examples"])
    told = [one for one in told if one != of_a_checkout]
    assert not [one for one in told if one[1][0].startswith("./") and one[1][1] not in ("test", "bench")]


# --- what is run ------------------------------------------------------------------------------------------------------


def runnable(page: str, text: str) -> Iterator[tuple[Block, str | None]]:
    """The blocks that are marked, each with what it prints, if the page says it."""
    found = list(blocks(page, text))
    for block, after in zip_longest(found, found[1:]):
        if block.info[:2] == ("sh", "run"):
            end = block.line + block.text.count("\n") + 1
            printed = after and after.info == ("text", "output") and after.line - end <= 2
            yield block, after.text if printed else None


def cases() -> Iterator[ParameterSet]:
    for name in NAMES:
        for block, told in runnable(name, (ROOT / name).read_text()):
            marks = [getattr(pytest.mark, mark) for mark in block.info[2:]]
            yield pytest.param(block, told, id=f"{name}:{block.line}", marks=marks)


@pytest.mark.parametrize(("block", "told"), list(cases()))
def test_what_is_marked_runs_and_prints_what_the_page_says(block, told, run):
    done = run(block.page, block.text)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    if told is not None:
        assert done.stdout.strip() == told.strip()


def test_marked_blocks_are_found_with_what_they_print():
    page = "```sh run root\na\n```\n\n```text output\nb\n```\n```sh\nc\n```\n"
    page += "```sh run\nd\n```\n\nprose\n\n```text output\ne\n```\n"
    assert [(one.text, told, one.info[2:]) for one, told in runnable("", page)] == [
        ("a\n", "b\n", ("root",)),
        ("d\n", None, ()),
    ]


# --- links ------------------------------------------------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path, text: str) -> list[str]:
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", text)]
    links = [link for pair in links for link in pair if link and "://" not in link]
    found = []
    for link in links:
        path, _, anchor = link.partition("#")
        there = page.parent / path if path else page
        if not there.exists() or (anchor and anchor not in anchors(there.read_text())):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page):
    assert not broken_links(page, page.read_text())


def test_a_broken_link_is_found():
    text = "[a](nowhere.md) [b](store.md#no-such-heading) [c](store.md#freeing-space) [d](https://example.com)"
    assert broken_links(ROOT / "docs/how-to/x.md", text) == ["nowhere.md", "store.md#no-such-heading"]


def test_every_page_is_in_the_index():
    docs = ROOT / "docs"
    pages = {str(page.relative_to(docs)) for page in docs.rglob("*.md")} - {"README.md"}
    linked = set(re.findall(r"\]\(([^)#]+\.md)\)", (docs / "README.md").read_text()))
    decisions = re.findall(r"\]\(([^)#]+\.md)\)", (docs / "explanation/decisions/README.md").read_text())
    assert pages == linked | {f"explanation/decisions/{name}" for name in decisions if "/" not in name}


def test_the_actions_inputs_and_outputs_are_the_documented_ones():
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    page = (ROOT / "docs/how-to/ci.md").read_text()
    for kind in ("inputs", "outputs"):
        table = page.partition(f"| {kind[:-1]} | meaning |")[2].partition("\n\n")[0]
        assert re.findall(r"^\| `([\w-]+)`", table, re.MULTILINE) == list(action[kind])


# --- what is looked up ------------------------------------------------------------------------------------------------


def test_the_functions_are_the_modules_own(module):
    assert functions_page.PAGE.read_text() == functions_page.page(module), "python -m tests.e2e.docs.functions_page"


def test_readme_lists_every_function_in_the_modules_words(module):
    text = functions_page.README.read_text()
    assert text == functions_page.readme(text, module), "python -m tests.e2e.docs.functions_page"


def test_a_row_that_readme_lacks_is_found(module):
    text = functions_page.README.read_text()
    lacking = re.sub(r"^\| `scan` \|.*\n", "", text, flags=re.MULTILINE)
    assert lacking != text == functions_page.readme(lacking, module)


# Between parts of Baselard, or for developers: nobody sets them who only uses it.
INTERNAL = {
    "BASELARD_BYTECODE",
    "BASELARD_ENTRY_POINT",
    "BASELARD_EXEC_",
    "BASELARD_LEARNS",
    "BASELARD_NONCE",
    "BASELARD_PACKAGES",
    "BASELARD_REGISTRIES",
}


def test_every_variable_is_documented_and_no_other():
    page = (ROOT / "docs/reference/environment.md").read_text()
    sources = [path for room in ("src", "pipeline") for path in (ROOT / room).rglob("*.py")]
    read = {word for path in sources for word in re.findall(r"BASELARD_[A-Z_]+", path.read_text())}
    read |= {f"BASELARD_{name}" for name in limits._FORMS} | {"BASELARD_ENGINE"}
    assert set(re.findall(r"BASELARD_[A-Z_]+", page)) == read - INTERNAL


def test_every_heading_of_an_error_is_documented():
    page = (ROOT / "docs/reference/exit-codes.md").read_text()
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    shown_by_counts = {"ReportedError", "ChecksFailed"}
    ours = {kind.__name__ for kind in kinds if kind.__name__ != "FunctionError"} - shown_by_counts
    assert len(ours) == 3
    assert ours < set(re.findall(r"^\| `([\w ]+)` \| [12] \|", page, re.MULTILINE))
