"""One call of a module's function: what was asked, what it returned, and how a failure of it is told."""

from dataclasses import dataclass, replace
from pathlib import Path

from baselard.engine.api.objects.serving import served, served_as, shows


@shows("name", "value")
@dataclass(frozen=True)
class ErrorValue:
    """A named fact of an error; ``value`` is JSON text."""

    name: str
    value: str


@served_as("Query.error")
@shows("message", "values")
@dataclass(frozen=True)
class Error:
    """A function's own words about its failure."""

    message: str
    values: tuple[ErrorValue, ...] = ()

    @served
    def with_value(self, name: str, value: str) -> "Error":
        return replace(self, values=(*self.values, ErrorValue(name, value)))


@shows("name", "value")
@dataclass(frozen=True)
class FunctionCallArgValue:
    """One argument of a call; ``value`` is JSON text, objects being their IDs."""

    name: str
    value: str


@shows("name", "parentName", "parent", "inputArgs")
@dataclass
class FunctionCall:
    """One invocation of a module, and what became of it.

    An empty ``parent_name`` asks for registration, an empty ``name`` for the constructor. ``parent`` is the object's
    state as JSON text. Exactly one of ``returned`` (JSON text) and ``error`` is set by the module.
    """

    parent_name: str = ""
    name: str = ""
    parent: str = "{}"
    input_args: tuple[FunctionCallArgValue, ...] = ()
    returned: str | None = None
    error: Error | None = None

    @served
    def return_value(self, value: str) -> None:
        self.returned = value

    @served
    def return_error(self, error: Error) -> None:
        self.error = error


@shows("name")
@dataclass(frozen=True)
class CurrentModule:
    """The module a function belongs to: where its dagger.json is on this machine, and below it its source."""

    name: str
    root: Path
    directory: Path


@dataclass(frozen=True)
class Frame:
    """The work of a module's process: the answer to one call of one module."""

    call: FunctionCall
    module: CurrentModule

    @property
    def module_name(self) -> str:
        """Whose secrets and cache volumes the call names."""
        return self.module.name
