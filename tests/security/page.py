"""The table of docs/reference/security.md, made of what the tests say of themselves.

``python tests/security/page.py`` writes it anew.
"""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[1] / "docs/reference/security.md"
BEGIN, END = "<!-- made by tests/security/page.py -->", "<!-- until here -->"

_LISTED = """
    CVE-2024-21626 CVE-2024-45310 CVE-2025-31133 CVE-2025-52565 CVE-2025-52881 CVE-2026-41579 CVE-2026-47766
    CVE-2024-23650 CVE-2024-23651 CVE-2024-23652 CVE-2024-23653 CVE-2026-33747 CVE-2026-33748 moby/buildkit@9ce6f62ac
    GHSA-7236-3392-c5c6 GHSA-72x6-4j93-7w86 GHSA-hw3h-2gp9-cxpv GHSA-qx3x-mv6r-52p6 GHSA-32pv-7hq5-qhwq
    GHSA-g2h8-426c-7976 moby/moby#53258
    CVE-2024-1753 CVE-2024-9407 CVE-2024-9675 CVE-2024-9676 CVE-2024-11218 CVE-2026-55686 CVE-2026-57231
    CVE-2026-50195 CVE-2024-3727
    CVE-2024-12718 CVE-2025-4138 CVE-2025-4330 CVE-2025-4517
    CVE-2026-41567 CVE-2024-29018 CVE-2025-9074 CVE-2024-24557
    CVE-2022-39253 CVE-2024-32002 CVE-2024-32004 CVE-2024-32020 CVE-2024-32021 CVE-2024-32465 CVE-2025-48384
    CVE-2025-30066 ArtiPACKED
"""
ADVISORIES = _LISTED.split()
"""What has to have a test: two years of the field's advisories, in the order of the table."""


class Guard(NamedTuple):
    """One test and what it guards against."""

    advisory: str
    what: str
    file: str
    test: str


def guards() -> Iterator[Guard]:
    """Every mark ``advisory`` of the tests beside this file."""
    for path in sorted(HERE.glob("test_*.py")):
        module = ast.parse(path.read_text())
        texts = {
            target.id: node.value.value
            for node in module.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for function in module.body:
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for advisory, what in _marks(function, texts):  # type: ignore[arg-type]
                    yield Guard(advisory, what, path.name, function.name)


def _marks(function: ast.FunctionDef | ast.AsyncFunctionDef, texts: dict[str, str]) -> Iterator[tuple[str, str]]:
    for mark in function.decorator_list:
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.advisory":
            advisory, what = (
                texts[arg.id] if isinstance(arg, ast.Name) else ast.literal_eval(arg) for arg in mark.args
            )
            yield advisory, what


def table() -> str:
    """The rows, an advisory each."""
    lines = ["| advisory | what it was | our tests |", "|---|---|---|"]
    known = list(guards())
    for advisory in ADVISORIES:
        mine = [guard for guard in known if guard.advisory == advisory]
        tests = "<br>".join(f"{guard.file[5:-3]}: {guard.test[5:].replace('_', ' ')}" for guard in mine)
        lines.append(f"| {_linked(advisory)} | {mine[0].what if mine else ''} | {tests} |")
    return "\n".join(lines) + "\n"


def _linked(advisory: str) -> str:
    if advisory.startswith("CVE-"):
        return f"[{advisory}](https://www.cve.org/CVERecord?id={advisory})"
    if advisory.startswith("GHSA-"):
        return f"[{advisory}](https://github.com/advisories/{advisory})"
    return advisory


def page(text: str) -> str:
    """The page with its table as it should be."""
    head, _, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}\n\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
