"""Calls that need the very process that was asked: those with the user's terminal to themselves."""

_HANDED_OVER: list[bool] = []


class Needed(BaseException):
    """This call is to be run by the process that was asked, not by an engine's; nothing was done yet."""


def handed_over() -> None:
    """Note that this process stands in for another one."""
    _HANDED_OVER.append(True)


def require() -> None:
    """Raise Needed in a process that stands in for another one."""
    if _HANDED_OVER:
        raise Needed
