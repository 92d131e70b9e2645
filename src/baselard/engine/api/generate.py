"""Write ``api.graphql`` anew from the Python SDK's generated client: names, types, arguments and defaults, no prose.

Run ``python -m baselard.engine.api.generate`` after the SDK was moved to another version. The client is read as syntax,
not imported. What Python's types cannot say (which objects may be null, which interfaces there are) stands in this
file, after the SDL that dagger/dagger publishes in ``docs/docs-graphql/schema.graphqls``.
"""

import ast
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DIRECTIVES = """\
directive @defaultPath(path: String!) on ARGUMENT_DEFINITION
directive @enumValue(value: String!) on ENUM_VALUE
directive @expectedType(name: String!) on FIELD_DEFINITION | ARGUMENT_DEFINITION
directive @experimental(reason: String! = "Not stabilized") on \
FIELD_DEFINITION | ARGUMENT_DEFINITION | INPUT_FIELD_DEFINITION | ENUM_VALUE
directive @ignorePatterns(patterns: [String!]!) on ARGUMENT_DEFINITION
directive @sourceMap(module: String!, filename: String!, line: Int!, column: Int!, url: String!) on \
SCALAR | OBJECT | FIELD_DEFINITION | ARGUMENT_DEFINITION | UNION | ENUM | ENUM_VALUE | INPUT_OBJECT
"""

INTERFACES = {"Exportable": {"id", "export"}, "Syncer": {"id", "sync"}, "Node": {"id"}}

MAYBE_NULL = {
    "Check.error", "Container.dockerHealthcheck", "Function.sourceMap", "EnumTypeDef.sourceMap",
    "EnumValueTypeDef.sourceMap", "FieldTypeDef.sourceMap", "FunctionArg.sourceMap",
    "InterfaceTypeDef.sourceMap", "ObjectTypeDef.sourceMap", "ObjectTypeDef.constructor", "Module.generator",
    "Module.runtime", "Module.sdk", "Module.source", "ModuleSource.sdk", "Query.node", "TypeDef.asEnum",
    "TypeDef.asInput", "TypeDef.asInterface", "TypeDef.asList", "TypeDef.asObject", "TypeDef.asScalar",
}  # fmt: skip

_SCALARS = {"str": "String", "int": "Int", "bool": "Boolean", "float": "Float"}


def generate(source: str) -> str:
    """The SDL for the generated client whose Python text is ``source``."""
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    plain = frozenset(node.name for node in classes if _base(node) in ("Enum", "Input", "Scalar"))
    return "\n".join([DIRECTIVES, *(text for node in classes if (text := _declaration(node, plain)))])


def _declaration(node: ast.ClassDef, plain: frozenset[str]) -> str:
    match _base(node):
        case "Scalar":
            return f"scalar {node.name}\n"
        case "Enum":
            return _enum(node)
        case "Input":
            return _block(f"input {node.name}", _input_fields(node, plain))
        case "Type" | "Root":
            return _Object(node, plain).declaration()
    return ""


def _base(node: ast.ClassDef) -> str:
    base = node.bases[0] if node.bases else None
    return base.id if isinstance(base, ast.Name) else ""


def _block(head: str, lines: list[str]) -> str:
    return head + " {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def _enum(node: ast.ClassDef) -> str:
    members = [
        (target.id, str(item.value.value))
        for item in node.body
        if isinstance(item, ast.Assign) and isinstance(item.value, ast.Constant)
        for target in item.targets
        if isinstance(target, ast.Name)
    ]
    lines = [name if name == value else f'{name} @enumValue(value: "{value}")' for name, value in members]
    return _block(f"enum {node.name}", lines)


def _input_fields(node: ast.ClassDef, plain: frozenset[str]) -> list[str]:
    lines = []
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            kind = _Kind.of(ast.unparse(item.annotation), "", plain)
            lines.append(f"{item.target.id}: {kind.text}{_default(item.value)}")
    return lines


@dataclass(frozen=True)
class _Kind:
    """A GraphQL type, and the name of the object an ``ID`` in it stands for."""

    text: str
    expected: str = ""

    @property
    def directive(self) -> str:
        return f' @expectedType(name: "{self.expected}")' if self.expected else ""

    @classmethod
    def of(cls, python: str, owner: str, plain: frozenset[str]) -> "_Kind":
        """What the Python type of an argument is in GraphQL; objects travel as IDs."""
        python = python.strip("'")
        bang = "" if python.endswith(" | None") else "!"
        python = python.removesuffix(" | None")
        if python.startswith("list["):
            item = cls.of(python[5:-1], owner, plain)
            return cls(f"[{item.text}]{bang}", item.expected)
        if python in _SCALARS or python in plain:
            return cls(_SCALARS.get(python, python) + bang)
        return cls("ID" + bang, {"Self": owner, "Type": ""}.get(python, python))


@dataclass(frozen=True)
class _Object:
    """One object type or interface of the client."""

    node: ast.ClassDef
    plain: frozenset[str]

    @property
    def name(self) -> str:
        return self.node.name.removeprefix("_").removesuffix("Client" if self.node.name[0] == "_" else "")

    def declaration(self) -> str:
        fields = dict(self._fields())
        if self.name in INTERFACES:
            return _block(f"interface {self.name}", [fields[field] for field in sorted(INTERFACES[self.name])])
        implemented = [i for i, needed in INTERFACES.items() if needed <= set(fields)]
        suffix = f" implements {' & '.join(implemented)}" if implemented else ""
        return _block(f"type {self.name}{suffix}", [fields[field] for field in sorted(fields)])

    def _fields(self) -> Iterator[tuple[str, str]]:
        for method in self.node.body:
            if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and (call := _select(method)):
                name = next(_text(argument) for argument in call.args if isinstance(argument, ast.Constant))
                yield name, f"{name}{self._arguments(method)}: {self._returned(method, name)}"

    def _arguments(self, method: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
        declared = {arg.arg: arg.annotation for arg in (*method.args.args, *method.args.kwonlyargs)}
        texts = [self._argument(call, declared) for call in _calls(method, "Arg")]
        return f"({', '.join(texts)})" if texts else ""

    def _argument(self, call: ast.Call, declared: dict[str, ast.expr | None]) -> str:
        name, value, *default = call.args
        names = (item.id for item in ast.walk(value) if isinstance(item, ast.Name))
        annotation = next(found for name in names if (found := declared.get(name)))
        kind = _Kind.of(ast.unparse(annotation), self.name, self.plain)
        return f"{_text(name)}: {kind.text}{_default(default[0] if default else None)}{kind.directive}"

    def _returned(self, method: ast.FunctionDef | ast.AsyncFunctionDef, field: str) -> str:
        if _calls(method, "execute_sync"):
            return f'ID! @expectedType(name: "{self.name}")'
        if field == "id":
            return "ID!"
        if items := _calls(method, "execute_object_list"):
            return f"[{ast.unparse(items[0].args[0])}!]!"
        if returned := _calls(method, "execute"):
            python = ast.unparse(returned[0].args[0]) if returned[0].args else "Void | None"
            return _Kind.of(python, self.name, self.plain).text
        return self._object_returned(method, field)

    def _object_returned(self, method: ast.FunctionDef | ast.AsyncFunctionDef, field: str) -> str:
        name = ast.unparse(method.body[-1]).removeprefix("return ").partition("(")[0].removeprefix("_")
        name = name.removesuffix("Client") if name.removesuffix("Client") in INTERFACES else name
        return name if f"{self.name}.{field}" in MAYBE_NULL else f"{name}!"


def _select(method: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.Call | None:
    found = _calls(method, "_select") or _calls(method, "execute_sync")
    return found[0] if found else None


def _calls(method: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> list[ast.Call]:
    calls = [item for item in ast.walk(method) if isinstance(item, ast.Call) and _callee(item) == name]
    return sorted(calls, key=lambda call: call.lineno)


def _callee(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _text(expression: ast.expr) -> str:
    return str(ast.literal_eval(expression))


def _default(expression: ast.expr | None) -> str:
    if expression is None or (isinstance(expression, ast.Constant) and expression.value is None):
        return ""
    return f" = {_literal(expression)}"


def _literal(expression: ast.expr) -> str:
    if isinstance(expression, ast.Attribute):
        return expression.attr
    if isinstance(expression, ast.List):
        return f"[{', '.join(map(_literal, expression.elts))}]"
    return json.dumps(ast.literal_eval(expression))


def main() -> None:
    """Read the installed SDK, write ``api.graphql`` beside this file."""
    package = importlib.util.find_spec("dagger")
    if package is None or package.origin is None:
        raise SystemExit("dagger-io is not installed")
    source = (Path(package.origin).parent / "client" / "gen.py").read_text()
    Path(__file__).with_name("api.graphql").write_text(generate(source))


if __name__ == "__main__":
    main()
