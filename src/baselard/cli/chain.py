"""A command line of ``call`` as a chain of functions, each on what the one before returns, with their flags' values."""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from baselard.cli import parser
from baselard.cli.options import Options, unknown
from baselard.cli.parser import Parser
from baselard.engine.api.objects.names import kebab
from baselard.engine.api.objects.reachable import FindType, Step
from baselard.engine.api.objects.typedef import Function, FunctionArg, Module, TypeDef
from baselard.engine.errors import UserError
from baselard.engine.modules.addresses import ObjectAddress, can_name, is_secret


@dataclass(frozen=True)
class Chain:
    """A parsed command line; the first step is the constructor."""

    steps: tuple[Step, ...]
    options: Options


def parse(module: Module, find: FindType, argv: Sequence[str]) -> Chain:
    """Read a command line. Raises UserError for whatever cannot be right, unless help is asked for."""
    main = module.main
    if main.constructor is None:
        raise UserError(f"the module {module.name} has no constructor")
    reading = _Reading(find, list(argv))
    function, owner, is_field = main.constructor, main, False
    while True:
        args = reading.flags(function)
        reading.steps.append(Step(owner, function, args, is_field))
        if reading.done:
            break
        owner = reading.owner(function)
        function, is_field = _member(owner, reading.words.pop(0))
    options = parser.options(reading.own.read(reading.taken))
    if not options.help:
        for step in reading.steps:
            _check_required(step)
    return Chain(tuple(reading.steps), options)


@dataclass
class _Reading:
    find: FindType
    words: list[str]
    steps: list[Step] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    own: Parser = field(default_factory=lambda: parser.of("call"))

    @property
    def done(self) -> bool:
        return not self.words

    def flags(self, function: Function) -> dict[str, Any]:
        """The values of the flags up to the next function's name."""
        texts: dict[str, list[str]] = {}
        while self.words and self.words[0].startswith("-"):
            arg = named(function, self.words[0])
            if arg:
                texts.setdefault(arg.name, []).append(self._text(arg))
            else:
                self._take_own(function)
        return {arg.name: self._value(arg, texts[arg.name]) for arg in function.args if arg.name in texts}

    def _take_own(self, function: Function) -> None:
        """Set aside an option of ``call`` itself, for ``parser``."""
        word, width = self.own.taken(self.words)
        if not width:
            known = [f"--{kebab(arg.name)}" for arg in function.args]
            raise UserError(unknown("flag", self.words[0].partition("=")[0], [*known, *self.own.names]) + _on(function))
        self.taken.append(word)
        del self.words[:width]

    def owner(self, function: Function) -> TypeDef:
        """The type whose functions may follow. Raises UserError when the function returns no object."""
        returned = function.return_type.element or function.return_type
        owner = self.find(returned.name) if returned.kind in ("OBJECT_KIND", "INTERFACE_KIND") else None
        if owner is None:
            raise UserError(
                f"{kebab(function.name)} returns {function.return_type.label}, which has no functions: "
                f"{self.words[0]} cannot follow"
            )
        return owner

    def _text(self, arg: FunctionArg) -> str:
        name, equals, value = self.words.pop(0).partition("=")
        if equals:
            return value
        if arg.type_def.kind == "BOOLEAN_KIND":
            return "true"
        if not self.words:
            raise UserError(f"{name} needs a value: {arg.type_def.label}")
        return self.words.pop(0)

    def _value(self, arg: FunctionArg, texts: list[str]) -> Any:
        kind = arg.type_def
        if kind.element is None:
            return self._convert(arg, kind, texts[-1])
        if kind.element.kind not in ("OBJECT_KIND", "INTERFACE_KIND"):
            texts = [part for text in texts for part in _comma_separated(arg.name, text)]
        return [self._convert(arg, kind.element, text) for text in texts]

    def _convert(self, arg: FunctionArg, kind: TypeDef, text: str) -> Any:
        try:
            match kind.kind:
                case "OBJECT_KIND" | "INTERFACE_KIND":
                    return _address(kind, text)
                case "ENUM_KIND":
                    return self._member_name(kind, text)
                case "SCALAR_KIND" if kind.name == "JSON":
                    json.loads(text)
                    return text
                case _:
                    return _CONVERT.get(kind.kind, str)(text)
        except ValueError as error:
            shown = "" if kind.name == "Secret" else f" {text}"  # it may be the secret itself
            raise UserError(f"--{kebab(arg.name)}{shown}: {error or 'not a ' + kind.label}") from None

    def _member_name(self, kind: TypeDef, text: str) -> str:
        definition = self.find(kind.name) or kind
        for member in definition.members:
            if text in (member.name, member.value):
                return member.name
        choices = [member.name for member in definition.members]
        raise ValueError(unknown("value", text, choices) + f" (one of {', '.join(choices)})")


def named(function: Function, word: str) -> FunctionArg | None:
    """The argument that a flag is for, if it is one of the function's."""
    name = kebab(word.partition("=")[0])
    return next((arg for arg in function.args if kebab(arg.name) == name and word.startswith("--")), None)


def _member(owner: TypeDef, word: str) -> tuple[Function, bool]:
    for function in owner.functions:
        if kebab(function.name) == kebab(word):
            return function, False
    for attribute in owner.fields:
        if kebab(attribute.name) == kebab(word):
            return Function(attribute.name, attribute.type_def, attribute.description), True
    known = [kebab(name) for name, _ in owner.named()]
    raise UserError(unknown("function", word, known) + f" (functions of {owner.name}: {', '.join(sorted(known))})")


def _check_required(step: Step) -> None:
    missing = [arg for arg in step.function.args if arg.required and arg.name not in step.args]
    for arg in missing:
        kind = arg.type_def.element or arg.type_def
        if kind.kind in ("OBJECT_KIND", "INTERFACE_KIND") and not can_name(kind.name):
            raise UserError(f"--{kebab(arg.name)}{_on(step.function)}: {_only_by_code(kind)}")
    if missing:
        raise UserError(f"missing: {', '.join(f'--{kebab(arg.name)}' for arg in missing)}{_on(step.function)}")


def _address(kind: TypeDef, text: str) -> ObjectAddress:
    if not can_name(kind.name):
        raise ValueError(_only_by_code(kind))
    if kind.name == "Secret" and not is_secret(text):
        raise ValueError(
            "a secret itself is not taken, since every program of this machine sees command lines; "
            "name it by env://NAME, file://PATH or cmd://COMMAND"
        )
    return ObjectAddress(kind.name, text)


def _only_by_code(kind: TypeDef) -> str:
    """Why no flag can give an object of this type."""
    what = "the interface " if kind.kind == "INTERFACE_KIND" else ""
    return (
        f"an object of {what}{kind.name} has no name on a command line; another module's code hands it over, and "
        "modules that depend on others need a real engine (--engine dagger)"
    )


def _on(function: Function) -> str:
    return f" (function {kebab(function.name)})" if function.name else " (constructor)"


def _boolean(text: str) -> bool:
    if text.lower() in ("true", "1", "t"):
        return True
    if text.lower() in ("false", "0", "f"):
        return False
    raise ValueError("true or false is expected")


def _comma_separated(name: str, text: str) -> list[str]:
    """The parts of one flag's text, as CSV: Dagger's lists take ``a,b`` and ``"a,b",c``."""
    import csv  # only lists need it

    rows = list(csv.reader(io.StringIO(text, newline="")))
    if len(rows) > 1:
        raise UserError(f"--{kebab(name)}: an entry with a line break in it stands in double quotes")
    return rows[0] if rows else []


_CONVERT: dict[str, Callable[[str], Any]] = {"INTEGER_KIND": int, "FLOAT_KIND": float, "BOOLEAN_KIND": _boolean}
