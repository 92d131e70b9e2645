"""Lists of plain values that are asked for without saying which of their fields: all come, as a Dagger engine has them.

It writes the Go structures behind them as JSON, so that names begin with a capital letter.
"""

from collections.abc import Sequence
from typing import Any

from graphql import FieldNode, GraphQLObjectType, GraphQLOutputType, ScalarLeafsRule, get_named_type, specified_rules
from graphql.type import get_nullable_type, is_list_type

from baselard.engine.api.query.context import Context
from baselard.engine.api.query.fields import Fields
from baselard.oci.text import JSON

_PLAIN = ("DiffStat", "EnvVariable", "Label", "Port", "SearchResult", "SearchSubmatch")


def is_plain_list(kind: GraphQLOutputType | None) -> bool:
    """Whether values of this type may be asked for without a selection, though they are objects."""
    return kind is not None and is_list_type(get_nullable_type(kind)) and get_named_type(kind).name in _PLAIN


class _Leafs(ScalarLeafsRule):
    """GraphQL's rule that objects need a selection, and leaves have none, but for lists of plain values."""

    def enter_field(self, node: FieldNode, *arguments: Any) -> None:
        if node.selection_set or not is_plain_list(self.context.get_type()):
            super().enter_field(node, *arguments)


RULES = tuple(_Leafs if rule is ScalarLeafsRule else rule for rule in specified_rules)
"""What a query is validated by."""


def whole(fields: Fields, ctx: Context, kind: GraphQLOutputType, values: Sequence[object]) -> list[JSON]:
    """The values of a plain list with all their fields but IDs."""
    owner = get_named_type(kind)
    if not isinstance(owner, GraphQLObjectType):
        raise RuntimeError(f"{owner} is not an object type of the API")  # noqa: TRY004
    return [
        {_capital(name): _field(fields, ctx, owner, name, value) for name in owner.fields if name != "id"}
        for value in values
    ]


def _field(fields: Fields, ctx: Context, owner: GraphQLObjectType, name: str, value: Any) -> Any:
    field = fields.get(owner, name)
    answer = field.call(ctx, value, {})
    return whole(fields, ctx, field.type, answer) if is_plain_list(field.type) else answer  # type: ignore[arg-type]


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]
