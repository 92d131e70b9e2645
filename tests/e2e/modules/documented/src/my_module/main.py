"""A constructor with state, chaining, enumerations, default paths, lists of objects, interfaces, checks."""

import enum
import typing
from dataclasses import InitVar
from typing import Annotated, Self

import anyio
import dagger
from dagger import (
    DefaultPath,
    Deprecated,
    Doc,
    Ignore,
    Name,
    check,
    dag,
    enum_type,
    field,
    function,
    interface,
    object_type,
)


@enum_type
class Severity(enum.Enum):
    """Vulnerability severity levels."""

    LOW = "low"
    """Not worth a call at night."""

    HIGH = "high"


@interface
class Fooer(typing.Protocol):
    """Whatever can foo."""

    @function
    async def foo(self, bar: int) -> str: ...


@object_type
class Account:
    """An account of an organization."""

    username: str = field()
    email: str = field(default="")

    @function
    def url(self) -> str:
        """Where it is found."""
        return f"https://example.org/{self.username}"


@object_type
class Organization:
    url: str = field()
    members: list[Account] = field(default=list)

    @function
    def member(self, username: str) -> Account | None:
        """One of the members, or nothing."""
        return next((account for account in self.members if account.username == username), None)


@object_type
class MyModule:
    """Greets, and looks at directories."""

    site: Annotated[
        dagger.Directory, Doc("What is served"), DefaultPath("site"), Ignore(["*.tmp"])
    ] = field()
    greeting: Annotated[str, Doc("The greeting to use")] = field(default="Hello")
    names: list[str] = field(default=list, init=False)
    loud: InitVar[bool] = False

    def __post_init__(self, loud: bool) -> None:
        if loud:
            self.greeting = self.greeting.upper()

    @function
    def message(self, name: Annotated[str, Doc("Whom to greet")] = "World") -> str:
        """Return a greeting message"""
        return f"{self.greeting}, {', '.join([*self.names, name])}!"

    @function
    def with_name(self, name: str) -> Self:
        """Greet one more"""
        self.names.append(name)
        return self

    @function(name="import")
    def import_(self, from_: Annotated[str, Name("from")]) -> str:
        """A name that Python reserves"""
        return f"from {from_}"

    @function
    def old(self, how: Annotated[str | None, Deprecated("It has no meaning any more")] = None) -> str:
        """With an argument of yesterday"""
        return how or "without"

    @function(deprecated="Say message")
    def say(self) -> str:
        return self.message()

    @function
    async def scan(self, severity: Severity, more: list[Severity] | None = None) -> str:
        """An enumeration, one and several"""
        await anyio.sleep(0)
        return " ".join(one.value for one in [severity, *(more or [])])

    @function
    def severity(self) -> Severity:
        return Severity.HIGH

    @function
    def sums(self, numbers: list[int], factor: float = 1.5, *, negative: bool = False) -> float:
        """Integers, a float, a switch"""
        return sum(numbers) * factor * (-1 if negative else 1)

    @function
    def organization(self) -> Organization:
        """An object with a list of objects"""
        members = [Account(username="ada"), Account(username="bob", email="bob@example.org")]
        return Organization(url="https://example.org", members=members)

    @function
    def accounts(self) -> list[Account]:
        """A list of objects"""
        return self.organization().members

    @function
    async def entries(self, source: Annotated[dagger.Directory, DefaultPath("."), Ignore(["**", "!**/*.toml"])]) -> list[str]:
        """A directory of the module, filtered"""
        return await source.entries()

    @function
    def tree(self) -> dagger.Directory:
        """What is served, as a directory to go on with"""
        return self.site

    @function
    async def read(self, source: dagger.File) -> str:
        """A file"""
        return await source.contents()

    @function
    async def length(self, token: dagger.Secret) -> int:
        """A secret"""
        return len(await token.plaintext())

    @function
    def box(self, platform: dagger.Platform | None = None) -> dagger.Container:
        """A container with the site in it"""
        return dag.container(platform=platform).with_directory("/site", self.site).with_label("by", "my-module")

    @function
    def settings(self) -> dagger.JSON:
        """A scalar of the API"""
        return dagger.JSON('{"a": [1, 2]}')

    @function
    async def foo(self, fooer: Fooer | None = None) -> str:
        """An interface"""
        return await fooer.foo(42) if fooer else "nobody foos"

    @function
    async def must_foo(self, fooer: Fooer) -> str:
        """An interface that must be there"""
        return await fooer.foo(42)

    @function
    @check
    async def has_index(self) -> None:
        """The site has an index"""
        if "index.html" not in await self.site.entries():
            raise ValueError("no index.html")

    @function
    @check
    async def is_long(self) -> str:
        """The index is long"""
        contents = await self.site.file("index.html").contents()
        if len(contents) < 1000:
            raise ValueError(f"index.html has {len(contents)} characters")
        return "long"
