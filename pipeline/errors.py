"""Failures that the caller can mend. Their message is all that is shown: no traceback."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or "dagger" in sys.modules:
    from dagger.mod._exceptions import FunctionError as ReportedError
else:  # a plan of a repository on a disk needs no SDK, which takes longer to load than the plan

    class ReportedError(Exception):
        """An error that the SDK would report."""

        def __init__(self, message: str, *, extra: Mapping[str, Any] | None = None) -> None:
            super().__init__(message)
            self.extra = extra


class BaselardError(ReportedError):
    """Something in the repository or the call is wrong; the message says what, where and what to do.

    A subclass of the SDK's FunctionError, where the SDK is loaded, because that is the one kind it reports without
    logging a traceback.
    """

    # The SDK prefixes the message with the error's module unless it is a builtin.
    __module__ = "builtins"


class UsageError(BaselardError):
    """The call or what it is about cannot be: an unknown name, a missing argument. Found before work starts.

    `extra` travels with the error to whoever called; the embedded engine's command line ends with this exit code.
    """

    __module__ = "builtins"

    def __init__(self, message: str) -> None:
        super().__init__(message, extra={"exit_code": 2})


class ConfigError(UsageError):
    """`baselard.yaml` (or what a convention found) cannot be used."""

    __module__ = "builtins"


class ChecksFailed(BaselardError):  # noqa: N818  # failing is their purpose
    """At least one check failed. The message is the whole summary."""

    __module__ = "builtins"
