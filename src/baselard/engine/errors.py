"""Every error the engine raises on purpose; translated once, at the server's edge and at the command line's."""

import re
from collections.abc import Sequence

_USERINFO = re.compile(r"(?<=://)[^\s/?#@]+@")  # of a URL (RFC 3986, 3.2.1), such as user:password@


def without_passwords(text: str) -> str:
    """``text`` where the URLs in it have ``***`` for a user and password; who is asked for by ssh is no secret."""
    return _USERINFO.sub(lambda found: found[0] if found[0] == "git@" else "***@", text)


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

    ``stdout`` and ``stderr`` are whole and already scrubbed of secrets. The message is ``exit code: N``, as
    Dagger's ``EXEC_ERROR`` has it.
    """

    def __init__(self, cmd: Sequence[str], exit_code: int, stdout: str = "", stderr: str = "") -> None:
        super().__init__(f"exit code: {exit_code}")
        self.cmd = tuple(cmd)
        self.exit_code = exit_code
        self.stdout = stdout
        self.stderr = stderr


class UnsupportedError(EngineError):
    """A field or argument of the Dagger API that is not served here.

    ``field`` is written ``Type.field``; ``instead`` tells the way out.
    """

    def __init__(self, field: str, instead: str) -> None:
        super().__init__(f"{field} is not served by the embedded engine: {instead}")
        self.field = field
        self.instead = instead
