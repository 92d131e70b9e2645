"""Registration, constructor and function calls by Dagger's module protocol (dagger.mod in the Python SDK).

Each invocation is one call with a token of its own; the module asks ``currentFunctionCall`` what it is.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import cast

from baselard.engine.api.objects.function_call import CurrentModule, Error, Frame, FunctionCall, FunctionCallArgValue
from baselard.engine.api.objects.typedef import Module
from baselard.engine.errors import EngineError, ExecError, FunctionError, ModuleError, UserError
from baselard.engine.modules.running import OnOutput, Runner
from baselard.engine.progress import spans
from baselard.engine.progress.spans import OnSpan
from baselard.oci.text import JSON

_MISUSED = 2
Opened = AbstractContextManager[tuple[int, str]]
OpenFrame = Callable[[Frame], Opened]
"""Gives an invocation the port and the token by which it reaches the session; both end with the block."""


@dataclass(frozen=True)
class Invoker:
    """Calls into one running module on behalf of one session. ``load`` gives the object behind an ID."""

    runner: Runner
    open_frame: OpenFrame
    load: Callable[[str], object]
    on_output: OnOutput
    on_span: OnSpan

    async def register(self) -> Module:
        """The module's description of itself. Raises ModuleError when its declarations are wrong."""
        try:
            module = cast(Module, self.load(str(await self._named("registration", FunctionCall()))))
        except FunctionError as error:
            raise ModuleError(f"the module {self.runner.source.name} declares what cannot be: {error}") from None
        return replace(module, name=self.runner.source.name)

    async def call(self, type_name: str, function: str, state: JSON, args: Mapping[str, JSON]) -> JSON:
        """The JSON value that ``function`` ("" is the constructor) of an object returns.

        ``state`` is the object's state, as its constructor or another function returned it; ``args`` are JSON values,
        objects being their IDs. Raises ExecError or FunctionError.
        """
        values = tuple(FunctionCallArgValue(name, json.dumps(value)) for name, value in args.items())
        return await self._named(function or type_name, FunctionCall(type_name, function, json.dumps(state), values))

    async def _named(self, name: str, call: FunctionCall) -> JSON:
        """A call as a span of that name, which all that it asks for hangs below."""
        with spans.opened(name, self.on_span):
            return await self._invoke(call)

    async def _invoke(self, call: FunctionCall) -> JSON:
        source = self.runner.source
        with self.open_frame(Frame(call, CurrentModule(source.name, source.root, source.source))) as (port, token):
            code = await self.runner.invoke(port, token, self.on_output, self.on_span)
        if call.error:
            raise _raised(call.error)
        if call.returned is None:
            what = call.name or call.parent_name or "registration"
            raise FunctionError(f"{what}: the module's process ended with exit code {code} and returned nothing")
        returned: JSON = json.loads(call.returned)
        return returned


def _raised(error: Error) -> EngineError:
    """The error as the engine raises it; a failed command stays one, whatever functions it passed through.

    A module says that it was called wrongly by the exit code 2 among the error's extra values, which the Python SDK
    sends for ``FunctionError(message, extra={"exit_code": 2})``.
    """
    values = {value.name: json.loads(value.value) for value in error.values}
    if values.get("_type") == "EXEC_ERROR":
        return ExecError(values["cmd"], values["exitCode"], values["stdout"], values["stderr"])
    if values.get("extra.exit_code") == _MISUSED:
        return UserError(values.get("exception.message", error.message))
    return FunctionError(error.message)
