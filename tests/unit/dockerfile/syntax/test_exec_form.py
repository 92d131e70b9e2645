"""The exec form's table: every line of exec_forms.json, with what docker's own parser made of it.

Judge: BuildKit v0.13.2's frontend/dockerfile/parser (that of Docker 26), asked for each line below `FROM x`: whether
the arguments were JSON and which they are, or its error.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from e2b_dockerfile_utils import parse_dockerfile_ast

from baselard.dockerfile.syntax import instructions as ins
from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.dockerfile.syntax.exec_form import reread
from baselard.dockerfile.syntax.text import parse

TABLE = json.loads(Path(__file__).with_name("exec_forms.json").read_text())
# Numbers that Go's float64 does not hold are shell form there; here the lexer below refuses the array.
REFUSED = ("NaN", "Infinity", "1e999", "9" * 400)


def _read(line: str) -> dict[str, Any]:
    ast = parse_dockerfile_ast(f"FROM x\n{line}\n")
    node, _ = reread(ast.instructions[1], ast.escape_token)
    return {"json": node.json, "args": node.args}


@pytest.mark.parametrize("said", TABLE, ids=[f"{number} {said['line'][:40]!a}" for number, said in enumerate(TABLE)])
def test_arguments_are_those_that_buildkit_reads(said: dict[str, Any]) -> None:
    if "error" in said or any(number in said["line"] for number in REFUSED):
        with pytest.raises(DockerfileError) as caught:
            parse(f"FROM x\n{said['line']}\n")
        assert caught.value.message == "when using JSON array syntax, arrays must be comprised of strings only"
        assert caught.value.line == 2
        return
    if said["line"].startswith("ONBUILD"):  # a trigger is kept as text and read when it runs
        said = {**said, "line": said["line"].removeprefix("ONBUILD ")}
    found = _read(said["line"])
    assert found["json"] == said["json"]
    if said["json"]:
        assert found["args"] == said["args"]


def test_what_follows_an_array_is_told_of() -> None:
    """Docker 27.2's parser (BuildKit 0.15) takes the line as shell form."""
    (warning,) = parse('FROM x\nENTRYPOINT ["/bin/echo","hi"] # greet\nCMD ["a"]\nRUN echo ["a"] b\n').warnings
    assert (warning.rule, warning.place.line) == ("TextAfterArray", 2)
    assert "'# greet' after the JSON array is ignored" in warning.message


def test_a_heredoc_after_an_array_is_refused() -> None:
    """Docker reads the heredoc's lines as instructions: «unknown instruction: hello»."""
    with pytest.raises(DockerfileError, match="a heredoc cannot follow the JSON form"):
        parse('FROM x\nRUN ["cat"] <<EOF\nhello\nEOF\n')


@pytest.mark.parametrize("escape", ["\\", "`"])
def test_flags_before_an_array_end_where_they_do(escape: str) -> None:
    text = f'# escape={escape}\nFROM x\nCOPY --from=a{escape} b --chown="x y" --exclude=\'["q"]\' ["a","b"] # c\n'
    (copy,) = parse(text).stages[0].instructions
    assert isinstance(copy, ins.Copy)
    assert (copy.sources, copy.dest, copy.exclude) == (("a",), "b", ('["q"]',))
