"""Every error of the engine that its caller may see; told once, at the server's edge and at the command line's.

What only steers the code that catches it, such as a pattern that is none, stands with that code.
"""

import contextlib
import errno
import re
from collections.abc import Iterator, Sequence

_USERINFO = re.compile(r"(?<=://)[^\s/?#@]+@")  # of a URL (RFC 3986, 3.2.1), such as user:password@


def without_passwords(text: str) -> str:
    """``text`` where the URLs in it have ``***`` for a user and password; who is asked for by ssh is no secret."""
    return _USERINFO.sub(lambda match: match[0] if match[0] == "git@" else "***@", text)


class EngineError(Exception):
    """Something the caller can understand and act on; the message says what is wrong and what to do.

    Passwords in URLs are not shown.
    """

    def __init__(self, message: str) -> None:
        super().__init__(without_passwords(message))


class UserError(EngineError):
    """Bad input or configuration, found before work starts (exit code 2)."""


class HostError(EngineError):
    """This machine lacks something the engine needs; the message names the remedy (exit code 2)."""


class ExecError(EngineError):
    """A command ended with an exit code that was not expected.

    ``stdout`` and ``stderr`` are whole and already scrubbed of secrets; ``exact`` says that clients get the white
    space around them, too. The message is ``exit code: N``, as Dagger's ``EXEC_ERROR`` has it.
    """

    def __init__(
        self, cmd: Sequence[str], exit_code: int, stdout: str = "", stderr: str = "", *, exact: bool = False
    ) -> None:
        super().__init__(f"exit code: {exit_code}")
        self.cmd = tuple(cmd)
        self.exit_code = exit_code
        self.stdout = stdout
        self.stderr = stderr
        self.exact = exact

    def during(self, doing: str) -> "ExecError":
        """The same error, told with what it happened in: ``start HOST (aliased as www): exit code: 42``."""
        told = ExecError(self.cmd, self.exit_code, self.stdout, self.stderr, exact=self.exact)
        told.args = (f"{doing}: {self}",)
        return told


class ServiceError(EngineError):
    """A service ended while it was wanted, other than by an exit code of its own that tells why."""

    def during(self, doing: str) -> "ServiceError":
        """The same error, told with what it happened in."""
        return ServiceError(f"{doing}: {self}")


class ProcessError(EngineError):
    """A program of the host failed; the message shows command, code and what it said."""

    def __init__(self, argv: Sequence[str], code: int, said: bytes) -> None:
        streams = said.decode(errors="replace").strip()
        super().__init__(f"{' '.join(argv)}: exit code {code}" + (f"\n{streams}" if streams else ""))


class RegistryError(EngineError):
    """The registry refused, or what it said makes no sense. ``status`` is HTTP's, 0 when there was none."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class RegistryUnreachedError(HostError):
    """The registry was not reached at all."""


class ModuleError(UserError):
    """The module cannot be imported; the message ends with its own traceback."""


class FunctionError(EngineError):
    """A module's function failed; the message is the one it gave, as the SDK put it in ``told``."""

    def __init__(self, told: str) -> None:
        super().__init__(told.removeprefix("FunctionError: "))
        self.told = told


class AuthenticationError(UserError):
    """A git server wants to know who asks, or does not take who it was told."""


class NoShallowError(UserError):
    """A git server has but whole histories."""


class UnboundError(UserError):
    """A reference in an env file to a variable that there is not."""


class UnsupportedError(EngineError):
    """A field or argument of the Dagger API that is not served here.

    ``field`` is written ``Type.field``; ``instead`` tells the way out.
    """

    def __init__(self, field: str, instead: str) -> None:
        super().__init__(f"{field} is not served by the embedded engine: {instead}")
        self.field = field
        self.instead = instead


_FULL = "the disk that {where} is on is full: make room there, or set BASELARD_STORE to another place"
_MACHINE = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EMFILE: "the engine has as many files open as it may: raise that limit (ulimit -n)",
    errno.ENFILE: "this machine has as many files open as it may: raise that limit (sysctl fs.file-max)",
    errno.EIO: "{where} cannot be read or written: the disk, or its file system, is broken",
    errno.EROFS: (
        "{where} is on a file system that cannot be written: set BASELARD_STORE, BASELARD_CACHE or TMPDIR, whichever "
        "leads there, to another place"
    ),
    errno.ENOMEM: "this machine has not enough memory",
}
_PATHS = (errno.ENAMETOOLONG, errno.ELOOP, errno.EACCES, errno.EPERM)


def foreseen(error: BaseException) -> EngineError | None:
    """The meaning to the caller of an error of the machine, or of a text that cannot leave this process.

    Whoever raised it knew nothing of that; None for what may as well be a mistake of ours.
    """
    return _of_a_text(error) or _of_the_machine(error)


def _of_a_text(error: BaseException) -> EngineError | None:
    if isinstance(error, UnicodeEncodeError):
        odd = error.object[max(error.start - 40, 0) : error.end]
        return UserError(f"{odd!r} is not UTF-8, which is needed here; rename or exclude it")
    if isinstance(error, ValueError) and "embedded null" in str(error):
        return UserError("a text holds a NUL byte, which no path, name, address or argument can")
    if isinstance(error, RuntimeError) and "home directory" in str(error):
        return UserError(f"{error}; write the whole path, or set HOME")
    return None


def _of_the_machine(error: BaseException) -> EngineError | None:
    if type(error).__module__ == "sqlite3" and type(error).__name__ in ("OperationalError", "DatabaseError"):
        return HostError(f"the store's record cannot be used ({error}): set BASELARD_STORE to another place")
    if isinstance(error, MemoryError):
        return HostError(_MACHINE[errno.ENOMEM])
    if not isinstance(error, OSError):
        return None
    if error.errno in _MACHINE:
        return HostError(_MACHINE[error.errno].format(where=error.filename or "the store"))
    known = error.errno in _PATHS and error.filename
    return UserError(f"{error.filename}: {error.strerror}") if known else None


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Raise what is foreseen of errors inside the block as that."""
    try:
        yield
    except Exception as error:
        if known := foreseen(error):
            raise known from error
        raise
