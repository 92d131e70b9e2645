"""Container: running commands, and what they said."""

from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.execution import ExecOptions, with_exec
from baselard.engine.api.objects.serving import served_as
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.errors import UserError
from baselard.engine.ops.exec import Expect
from baselard.engine.solver.graph import Result


@field("Container.withExec")
def container_with_exec(
    ctx: Context,
    container: Container,
    *,
    args: tuple[str, ...],
    use_entrypoint: bool = False,
    stdin: str = "",
    redirect_stdin: str = "",
    redirect_stdout: str = "",
    redirect_stderr: str = "",
    expect: str = "SUCCESS",
    experimental_privileged_nesting: bool = False,
    insecure_root_capabilities: bool = False,
    expand: bool = False,
    no_init: bool = False,
) -> Container:
    options = ExecOptions(
        use_entrypoint=use_entrypoint,
        stdin=stdin,
        redirect_stdin=container.expand(redirect_stdin, wanted=expand),
        redirect_stdout=container.expand(redirect_stdout, wanted=expand),
        redirect_stderr=container.expand(redirect_stderr, wanted=expand),
        expect=Expect(expect),
        nesting=experimental_privileged_nesting,
        insecure=insecure_root_capabilities,
        expand=expand,
        no_init=no_init,
        fresh=ctx.session.fresh,
    )
    return with_exec(container, args, options)


@served_as("Container.withError", "Directory.withError")
def with_error(parent: object, err: str) -> object:
    if err:
        raise UserError(err)
    return parent


@field("Container.stdout")
async def stdout(ctx: Context, container: Container) -> str:
    return await _stream(ctx, container, "stdout")


@field("Container.stderr")
async def stderr(ctx: Context, container: Container) -> str:
    return await _stream(ctx, container, "stderr")


@field("Container.combinedOutput")
async def combined_output(ctx: Context, container: Container) -> str:
    return await _stream(ctx, container, "combined")


@field("Container.exitCode")
async def exit_code(ctx: Context, container: Container) -> int:
    return int((await _last(ctx, container)).data["exit"])


@field("Container.sync")
async def sync(ctx: Context, container: Container) -> str:
    await ctx.value(container.rootfs)
    return ctx.id(container)


async def _last(ctx: Context, container: Container) -> Result:
    if container.last is None:
        raise UserError("no command has been set: use withExec first")
    return await ctx.result(container.last)


async def _stream(ctx: Context, container: Container, name: str) -> str:
    blob = (await _last(ctx, container)).data[name]
    data = await ctx.in_thread(ctx.session.worker.store.blob_path(blob).read_bytes)
    return data.decode(errors="replace")
