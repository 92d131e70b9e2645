"""docs/reference/functions.md and README's table, made of what the module says of itself, as ``call --help`` is.

``python -m tests.e2e.docs.functions_page`` writes both anew.
"""

from collections.abc import Iterator
from pathlib import Path

from baselard.cli import help as said
from baselard.cli import target
from baselard.cli.options import Options
from baselard.cli.target import Target
from baselard.engine.api.objects.names import kebab
from baselard.engine.api.objects.typedef import Function, FunctionArg, TypeDef

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/reference/functions.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- functions: begin -->\n", "<!-- functions: end -->\n"
HEAD = """\
# Functions

What `baselard call FUNCTION` and `dagger call FUNCTION` take. Generated from the module by
`python -m tests.e2e.docs.functions_page`; a test keeps it true. Lists are written `--only a,b` or
`--only a --only b`; a directory is a path or a git URL, a secret is `env://NAME`, `file://PATH` or `cmd://COMMAND`.
Before the function stand the arguments of the module:

"""


def page(module: Target) -> str:
    """The whole page."""
    main = _main(module)
    assert main.constructor
    parts = [HEAD + "".join(_table(main.constructor, module))]
    parts += ["".join(_section(function, module)) for function in _sorted(main)]
    return "\n".join(parts)


def readme(text: str, module: Target) -> str:
    """README with a row for each function between its marks, which are there once."""
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert mark and end and BEGIN not in after
    rows = (
        f"| `{kebab(one.name)}` | {_escaped(said.first_line(one.description))} |\n" for one in _sorted(_main(module))
    )
    return f"{before}{mark}| function | what it does |\n|---|---|\n{''.join(rows)}{end}{after}"


def _main(module: Target) -> TypeDef:
    (main,) = (kind for kind in module.module.objects if kind.constructor)
    return main


def _sorted(main: TypeDef) -> list[Function]:
    return sorted(main.functions, key=lambda one: one.name)


def _section(function: Function, module: Target) -> Iterator[str]:
    yield f"## {kebab(function.name)}\n\n{_escaped(function.description)}\n\n"
    kinds = [word for word, is_one in (("check", function.check), ("generator", function.generator)) if is_one]
    yield f"Gives: {function.return_type.label}" + "".join(f"; a {kind}" for kind in kinds) + "\n"
    if function.args:
        yield "\n"
        yield from _table(function, module)


def _table(function: Function, module: Target) -> Iterator[str]:
    yield "| argument | meaning |\n| --- | --- |\n"
    yield from (_row(arg, module) for arg in function.args)


def _row(arg: FunctionArg, module: Target) -> str:
    return f"| `{said.flag(arg)}` | {_escaped(said.explained(arg, module.find))} |\n"


def _escaped(text: str) -> str:
    """Patterns such as `test-*` and bars in a table are text."""
    return "\n".join(line.strip() for line in text.strip().splitlines()).replace("|", "\\|").replace("*", "\\*")


if __name__ == "__main__":
    with target.opened(Options(module=str(ROOT))) as opened:
        PAGE.write_text(page(opened))
        README.write_text(readme(README.read_text(), opened))
