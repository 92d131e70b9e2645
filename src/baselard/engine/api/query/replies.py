"""Replies over the wire: data, or errors in the shape the SDKs expect."""

import json
import logging
from collections.abc import Mapping

from baselard.engine.api.query.context import Context
from baselard.engine.api.query.failures import FieldError, InvalidQuery
from baselard.engine.errors import EngineError, ExecError, foreseen
from baselard.engine.run.containers import streams
from baselard.oci.text import JSON, whole

_log = logging.getLogger(__name__)


async def reply(
    ctx: Context, query: str, variables: Mapping[str, JSON] | None = None, operation: str | None = None
) -> bytes:
    """The JSON response to one GraphQL request."""
    served = ctx.session.api
    root = ctx.session.worker.store.root
    if known := served.introspection(query, root):
        return known
    try:
        return _json({"data": await served.answer(ctx, query, variables, operation, root)})
    except InvalidQuery as error:
        return _json({"errors": error.errors})
    except FieldError as error:
        return _json({"data": None, "errors": [{**_error(error.__cause__), "path": error.path}]})
    except RecursionError:
        return _json({"errors": [{"message": "the query nests too deep"}]})


def message(text: str) -> bytes:
    """A response that holds one error and no data."""
    return _json({"errors": [{"message": text}]})


def _error(error: BaseException | None) -> dict[str, JSON]:
    if isinstance(error, ExecError):
        return {"message": str(error), "extensions": _exec_extensions(error)}
    if isinstance(error, EngineError):
        return {"message": str(error)}
    if error and (known := foreseen(error)):
        return {"message": str(known)}
    _log.error("internal error", exc_info=error)
    return {"message": f"internal error, please report it: {type(error).__name__}: {error}"}


def _exec_extensions(error: ExecError) -> dict[str, JSON]:
    return {
        "_type": "EXEC_ERROR",
        "cmd": list(error.cmd),
        "exitCode": error.exit_code,
        "stdout": _tail(error.stdout, error),
        "stderr": _tail(error.stderr, error),
    }


def _tail(text: str, error: ExecError) -> str:
    data = text.encode()
    shown = streams.shortened(data, len(data))
    return shown if error.exact else shown.strip()


def _json(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:  # file names that are no text come out as Go's JSON writes them
        return whole(text).encode()
