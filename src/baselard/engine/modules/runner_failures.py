"""The failures of a module's functions, told by the module's own frames. Loaded by runner.py, which knows no engine."""

import logging
import os
import traceback
from collections.abc import Callable
from typing import Any


async def call_and_name_the_failure(call: Callable[..., Any], *args: Any, **given: Any) -> Any:
    """The SDK's ``Module.call``, but what the API refused stays that where a task group has wrapped it.

    The SDK sends only a group's own words, which name neither the command that failed nor its exit code.
    """
    from dagger.mod import _exceptions as exceptions

    try:
        return await call(*args, **given)
    except exceptions.FunctionError as error:
        cause = error.__cause__
        by_the_sdk = isinstance(cause, BaseExceptionGroup) and str(cause) == str(error)
        if by_the_sdk and cause and (refused := _refused(cause)):
            raise refused from None
        raise


def _refused(error: BaseException) -> BaseException | None:
    """The first error of the API among what a group holds, or None."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_refused, error.exceptions)), None)
    import dagger

    return error if isinstance(error, dagger.QueryError) else None


def only_own_frames(record: logging.LogRecord) -> bool:
    """Have the SDK's report of a failed function show the module's frames alone."""
    if record.exc_info and record.exc_info[1]:
        record.exc_text = own_traceback(record.exc_info[1], otherwise_all=True).rstrip("\n")
    return True


def own_traceback(error: BaseException, *, otherwise_all: bool = False) -> str:
    """The exception as Python tells it, without the frames that are not of the module's own code.

    With ``otherwise_all``, one that passed through none of the module's code keeps its frames.
    """
    story = traceback.TracebackException.from_exception(error)
    if _trim(story) or not otherwise_all:
        return "".join(story.format())
    return "".join(traceback.format_exception(error))


def _trim(story: traceback.TracebackException) -> bool:
    """Leave only the module's own frames, and no cause or context that has none; whether there are any."""
    story.stack = traceback.StackSummary.from_list([frame for frame in story.stack if _is_own(frame.filename)])
    for name in ("__cause__", "__context__"):
        before = getattr(story, name)
        if before and not _trim(before):
            setattr(story, name, None)
    return bool([_trim(one) for one in story.exceptions or ()]) or bool(story.stack)


def _is_own(path: str) -> bool:
    here = os.getcwd() + "/"
    return path.startswith(here) and "/site-packages/" not in path.removeprefix(here)
