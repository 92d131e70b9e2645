"""A secret that cannot be read is a wrong use of its flag, not a bug."""

from types import SimpleNamespace
from typing import Any, cast

import dagger
import gql
import pytest
from dagger._exceptions import QueryErrorValue

from pipeline import plaintext
from pipeline.errors import UsageError
from pipeline.project import Project
from pipeline.proof import signers

pytestmark = pytest.mark.anyio


def secret(answer: Any) -> dagger.Secret:
    async def said() -> str:
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    return cast(dagger.Secret, SimpleNamespace(plaintext=said))


async def test_the_flag_is_named() -> None:
    refused = dagger.QueryError([QueryErrorValue("failed to read secret file")], gql.GraphQLRequest("{a}"))
    with pytest.raises(UsageError, match="--public-key: failed to read secret file") as raised:
        await plaintext.read(secret(refused), "--public-key")
    assert raised.value.extra == {"exit_code": 2}


async def test_a_key_that_cannot_be_read_signs_nothing() -> None:
    refused = dagger.QueryError([QueryErrorValue("failed to read secret file")], gql.GraphQLRequest("{a}"))
    project = cast(Project, SimpleNamespace(config=SimpleNamespace(sign=None)))
    with pytest.raises(UsageError, match="--signing-key: failed to read secret file"):
        await signers.of(project, secret(refused))


async def test_the_text_is_given_and_none_is_empty() -> None:
    assert await plaintext.read(secret("text\n"), "--password") == "text\n"
    assert await plaintext.read(None, "--password") == ""
