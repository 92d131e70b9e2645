"""Texts of ``--help`` and ``functions``, from the docstrings the module registered."""

import json

from baselard.cli import parser
from baselard.cli.chain import Chain
from baselard.cli.columns import section, table
from baselard.engine.api.objects.names import kebab
from baselard.engine.api.objects.reachable import FindType
from baselard.engine.api.objects.typedef import Function, FunctionArg, Module, TypeDef


def call_help(module: Module, find: FindType, chain: Chain) -> str:
    """The help for the last function of ``chain``."""
    last = chain.steps[-1]
    names = " ".join(kebab(step.function.name) for step in chain.steps[1:])
    functions = functions_of(find, last.function)
    description = last.function.description or ("" if last.function.name else module.description)
    usage = " ".join(filter(None, ["baselard call", names, "[flags]", "FUNCTION …" if functions else ""]))
    parts = [
        description.strip() + "\n" if description else "",
        f"Usage: {usage}\n",
        section("Functions", ((name, text) for name, text in functions)),
        section("Arguments", ((flag(arg), explained(arg, find)) for arg in last.function.args)),
        section("Options", parser.of("call").rows()),
    ]
    return "\n".join(filter(None, parts))


def function_table(find: FindType, function: Function) -> str:
    """The functions of what ``function`` returns, as ``dagger functions`` prints them."""
    return table(functions_of(find, function))


def functions_of(find: FindType, function: Function) -> list[tuple[str, str]]:
    """Name and first line of all functions and attributes of the object ``function`` returns, by name."""
    returned = function.return_type.element or function.return_type
    owner = find(returned.name) if returned.kind in ("OBJECT_KIND", "INTERFACE_KIND") else None
    members = owner.named() if owner else []
    return sorted((kebab(name), first_line(description)) for name, description in members if name != "id")


def flag(arg: FunctionArg) -> str:
    """``--name Type`` as one types it."""
    return f"--{kebab(arg.name)}" + ("" if arg.type_def.kind == "BOOLEAN_KIND" else f" {arg.type_def.label}")


def explained(arg: FunctionArg, find: FindType) -> str:
    """The meaning of an argument, with its choices and its default, in one line."""
    notes = []
    kind = arg.type_def.element or arg.type_def
    if kind.kind == "ENUM_KIND":
        notes.append("one of " + ", ".join(_members(find(kind.name) or kind)))
    if arg.required:
        notes.append("required")
    elif arg.default_path or arg.default_address:
        notes.append(f"default: {arg.default_path or arg.default_address}")
    elif arg.default_value not in (None, "null", '""', "[]", "false"):
        notes.append(f"default: {json.loads(arg.default_value or '')}")
    if arg.deprecated is not None:
        notes.append(f"deprecated: {arg.deprecated}" if arg.deprecated else "deprecated")
    return " ".join(filter(None, [" ".join(arg.description.split()), f"({'; '.join(notes)})" if notes else ""]))


def _members(kind: TypeDef) -> list[str]:
    return [member.name for member in kind.members]


def first_line(text: str) -> str:
    """A description in one line; Dagger shows a dash where there is none."""
    return text.strip().split("\n")[0] if text.strip() else "-"
