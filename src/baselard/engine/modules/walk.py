"""Run a chain: functions of the module in its own process, then fields of the API as one query."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from baselard.engine.api.objects.names import camel
from baselard.engine.api.objects.reachable import FindType, Step
from baselard.engine.api.objects.typedef import Module, TypeDef
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.failures import FieldError
from baselard.engine.modules.addresses import loaded, quote
from baselard.engine.modules.arguments import complete
from baselard.engine.modules.invoke import Invoker
from baselard.engine.modules.memory import Memory
from baselard.engine.modules.source import PythonModule
from baselard.engine.solver import digest
from baselard.oci.text import JSON


@dataclass(frozen=True)
class Walk:
    """The things that running a chain needs. ``context`` is the command line's own client of the session."""

    source: PythonModule
    module: Module
    find: FindType
    invoker: Invoker
    context: Context
    memory: Memory

    async def ask(self, query: str) -> JSON:
        """The innermost value of the query's answer. Raises what the resolvers raise."""
        try:
            root = self.context.session.worker.store.root
            data: JSON = await self.context.session.api.answer(self.context, query, root=root)
        except FieldError as error:
            raise error.__cause__ or error from None
        while isinstance(data, dict) and len(data) == 1:
            data = next(iter(data.values()))
        return data

    async def run(self, steps: Sequence[Step], *, output: str = "", state: JSON = None) -> JSON:
        """The value the chain ends with: plain JSON, an object's state, or an ID.

        ``state`` is that of the object the first step belongs to. ``output`` is where a directory, file or container
        is to be exported to; the value is then the path.
        """
        own = [step for step in steps if self.module.find(step.owner.name)]
        value: JSON = state
        for step in own:
            value = await self._step(step, value)
        return await self._fields(own[-1].function.return_type, value, steps[len(own) :], output)

    async def _step(self, step: Step, state: JSON) -> JSON:
        if isinstance(state, list):
            return [await self._step(step, item) for item in state]
        if step.field:
            return cast(Mapping[str, JSON], state).get(step.function.name)
        args = await complete(self.ask, self.source, step.function, step.args)
        key = self.memory.key(step.owner.name, step.function, state or {}, args)
        if kept := self.memory.recall(key):
            return kept[0]
        value = await self.invoker.call(step.owner.name, step.function.name, state or {}, args)
        self.memory.keep(key, step.function, value, [state, args])
        return value

    async def _fields(self, kind: TypeDef, value: JSON, steps: Sequence[Step], output: str) -> JSON:
        """Go on from the module's last answer through fields of the API, in one query for each object.

        A field that answers with an ID ends its query; the object behind the ID begins the next.
        """
        if isinstance(value, list):
            return [await self._fields(kind.element or kind, item, steps, output) for item in value]
        if value is None or kind.kind != "OBJECT_KIND" or self.module.find(kind.name):
            return value
        for index, step in enumerate(steps, 1):
            if step.function.by_id:
                answer = await self._query(kind, value, steps[:index], "")
                return await self._fields(step.function.return_type, answer, steps[index:], output)
        leaf = self._leaf(steps[-1].function.return_type if steps else kind, output)
        return await self._query(kind, value, steps, leaf)

    async def _query(self, kind: TypeDef, value: JSON, steps: Sequence[Step], leaf: str) -> JSON:
        calls = [*[await self._call(step) for step in steps], *([leaf] if leaf else [])]
        query = "".join(f" {{ {call}" for call in calls) + " }" * len(calls)
        return await self.ask(f"{{ node(id: {quote(value)}) {{ ... on {kind.name}{query} }} }}")

    async def _call(self, step: Step) -> str:
        texts = []
        for arg in step.function.args:
            if arg.name in step.args:
                element = arg.type_def.element or arg.type_def
                value = await loaded(self.ask, step.args[arg.name])
                texts.append(f"{arg.name}: {_literal(value, is_enum=element.kind == 'ENUM_KIND')}")
        return camel(step.function.name) + (f"({', '.join(texts)})" if texts else "")

    def _leaf(self, kind: TypeDef, output: str) -> str:
        """The field to select of an object the chain ends with, so that it is really made."""
        owner = self.find((kind.element or kind).name) if (kind.element or kind).kind == "OBJECT_KIND" else None
        if owner is None:
            return ""
        functions = {function.name for function in owner.functions}
        if output and "export" in functions:
            return f"export(path: {json.dumps(output)})"
        return "sync" if "sync" in functions else "id"


def identity(kind: TypeDef, value: JSON) -> str:
    """How an object is printed: its type and a digest of what it is."""
    return f"{kind.name}@{digest.of('object.v1', value)}"


def _literal(value: JSON, *, is_enum: bool) -> str:
    if is_enum:
        return "[" + ", ".join(value) + "]" if isinstance(value, list) else str(value)
    return quote(value)
