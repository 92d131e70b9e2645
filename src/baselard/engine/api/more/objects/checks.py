"""Checks, generators and services of a module: what they are called, and how a run of them ended."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from baselard.engine.api.objects import reachable
from baselard.engine.api.objects.function_call import Error
from baselard.engine.api.objects.reachable import Steps
from baselard.engine.api.objects.serving import served, served_as, shows
from baselard.engine.api.objects.typedef import Function, Module
from baselard.engine.errors import UserError

if TYPE_CHECKING:  # listing needs no operations
    from baselard.engine.api.more.objects.changeset import Changeset


_KINDS = ("Check", "Generator", "Up")


@shows(**{f"{kind}.originalModule": "module" for kind in _KINDS})
@dataclass(frozen=True)
class Member:
    """A function of ``module`` without arguments. ``prefix`` leads its name where several modules may be."""

    module: Module
    path: str
    prefix: str = ""
    description: str = ""

    @property
    def name(self) -> str:
        """``[module:]object:function``, in kebab-case."""
        return ":".join(filter(None, (self.prefix, self.path)))

    @served_as("Check.path", "Generator.path", "Up.path")
    def shown_path(self) -> list[str]:
        return self.name.split(":")

    @property
    def steps(self) -> Steps:
        """How it is reached."""
        return next(steps for steps in reachable.functions(self.module) if reachable.name(steps) == self.path)


Kind = TypeVar("Kind", bound=Member)


@shows("name", "description", "completed", "error")
@dataclass(frozen=True)
class Check(Member):
    """Passes when its function does not fail; one made of a generator, when that changes nothing."""

    generate: bool = False
    completed: bool = False
    error: Error | None = None

    @property
    @served
    def passed(self) -> bool:
        return self.completed and self.error is None

    @property
    @served
    def check_type(self) -> str:
        return "generate" if self.generate else "check"

    @property
    @served
    def result_emoji(self) -> str:
        if not self.completed:
            return ""
        return "\N{LARGE GREEN CIRCLE}" if self.passed else "\N{LARGE RED CIRCLE}"


@shows("list")
@dataclass(frozen=True)
class CheckGroup:
    """Several checks."""

    list: tuple[Check, ...]

    @property
    def report(self) -> str:
        """A table in Markdown."""
        rows = [(one.name, one.check_type, one.description, one.result_emoji) for one in self.list]
        lines = ["| check | type | description | success |", "| -- | -- | -- | -- |"]
        return "".join(f"{line}\n" for line in [*lines, *(f"|{' | '.join(row)} |" for row in rows)])


@shows("name", "description")
@dataclass(frozen=True)
class Generator(Member):
    """A function that returns a Changeset, and what it returned when it was run."""

    changes: "Changeset | None" = None

    @property
    @served
    def completed(self) -> bool:
        return self.changes is not None

    @served_as("changes")
    def made(self) -> "Changeset":
        """The value that it returned. Raises UserError when it was not run."""
        return self.needed("changes")

    def needed(self, asked: str) -> "Changeset":
        """The value that it returned, for the field ``asked``. Raises UserError when it was not run."""
        if self.changes is None:
            raise UserError(f"the generator {self.name} must be run before {asked} is asked for")
        return self.changes


@shows("list")
@dataclass(frozen=True)
class GeneratorGroup:
    """Several generators."""

    list: tuple[Generator, ...]


@shows("name", "description")
@dataclass(frozen=True)
class Up(Member):
    """A function that returns a Service to be reached from this machine."""


@shows("list")
@dataclass(frozen=True)
class UpGroup:
    """Several services."""

    list: tuple[Up, ...]


def checks(
    module: Module, include: Sequence[str] = (), *, prefix: str = "", check: bool = True, generate: bool = True
) -> CheckGroup:
    """The module's checks, its generators among them; those that ``include`` names, all when it is empty."""
    found = _members(Check, module, include, prefix, lambda function: check and function.check)
    known = {one.path for one in found}
    made = _members(Check, module, include, prefix, lambda function: generate and function.generator)
    return CheckGroup((*found, *(replace(one, generate=True) for one in made if one.path not in known)))


def generators(module: Module, include: Sequence[str] = (), *, prefix: str = "") -> GeneratorGroup:
    """The module's generators."""
    return GeneratorGroup(_members(Generator, module, include, prefix, lambda function: function.generator))


def services(module: Module, include: Sequence[str] = (), *, prefix: str = "") -> UpGroup:
    """The module's services."""
    return UpGroup(_members(Up, module, include, prefix, lambda function: function.up))


@served_as("Module.checks")
def shown_checks(module: Module, *, include: Sequence[str] = (), no_generate: bool = False) -> CheckGroup:
    return checks(module, include, generate=not no_generate)


@served_as("Module.check")
def check(module: Module, name: str) -> Check:
    return _named("check", name, checks(module).list)


@served_as("Module.generators")
def shown_generators(module: Module, include: Sequence[str] = ()) -> GeneratorGroup:
    return generators(module, include)


@served_as("Module.generator")
def generator(module: Module, name: str) -> Generator:
    return _named("generator", name, generators(module).list)


@served_as("Module.services")
def shown_services(module: Module, include: Sequence[str] = ()) -> UpGroup:
    return services(module, include)


def _named(kind: str, name: str, known: tuple[Kind, ...]) -> Kind:
    for one in known:
        if one.name == name:
            return one
    raise UserError(f"unknown {kind} {name!r}: known are {', '.join(one.name for one in known) or 'none'}")


def _members(
    kind: type[Kind], module: Module, include: Sequence[str], prefix: str, wanted: Callable[[Function], bool]
) -> tuple[Kind, ...]:
    every = (steps for steps in reachable.functions(module) if wanted(steps[-1].function))
    members = (kind(module, reachable.name(steps), prefix, steps[-1].function.description) for steps in every)
    return tuple(one for one in members if any(reachable.matches(name, include) for name in {one.name, one.path}))
