"""Secrets, and what else a session knows by name."""

from baselard.engine.api.objects.secrets import Secret
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.errors import UserError


@field("Query.secret")
async def secret(ctx: Context, *, uri: str, cache_key: str = "") -> Secret:
    ctx.need_machine(f"the secret {uri.partition('://')[0]}://")
    return await ctx.in_thread(ctx.session.secrets.from_uri, uri, cache_key)


@field("Query.setSecret")
async def set_secret(ctx: Context, *, name: str, plaintext: str) -> Secret:
    return await ctx.in_thread(ctx.session.secrets.set, name, plaintext.encode())


@field("Secret.plaintext")
async def plaintext(ctx: Context, secret: Secret) -> str:
    data = await ctx.in_thread(ctx.session.secrets.plaintext, secret.ref.handle)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UserError("this secret is not UTF-8 text; mount it as a file instead") from error
