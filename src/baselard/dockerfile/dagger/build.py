"""The room's door for pipelines: build a Dockerfile of a directory through dagger-io, `FROM` what the caller holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

import dagger

from baselard.dockerfile.apply.driver import BuildRequest, build_with, log_warning
from baselard.dockerfile.apply.state import Contexts, Made
from baselard.dockerfile.dagger.asked import Asked
from baselard.dockerfile.dagger.builder import DaggerBuilder
from baselard.dockerfile.dagger.known import begins_at_an_object
from baselard.dockerfile.plan.entitlements import read
from baselard.dockerfile.plan.steps import Git, RunStep, Url
from baselard.dockerfile.syntax.errors import Warning_


async def build(  # noqa: PLR0913 (the options of `docker buildx build`)
    context: dagger.Directory,
    *,
    dockerfile: str = "Dockerfile",
    dockerfiles: dagger.Directory | None = None,
    contexts: Mapping[str, dagger.Container | dagger.Directory] = MappingProxyType({}),
    target: str = "",
    build_args: Mapping[str, str] = MappingProxyType({}),
    platform: str = "",
    secrets: Mapping[str, dagger.Secret] = MappingProxyType({}),
    ssh: dagger.Socket | None = None,
    allow: Iterable[str] = (),
    pins: Callable[[str], str] = str,
    client: dagger.Client = dagger.dag,
    asked: Asked | None = None,
    on_warning: Callable[[Warning_], None] = log_warning,
    on_made: Callable[[Sequence[Made[dagger.Container]]], None] | None = None,
    on_run: Callable[[RunStep, dagger.Container], None] = lambda _step, _container: None,
    on_fetch: Callable[[Url | Git, dagger.File | dagger.GitRef], None] = lambda _what, _got: None,
) -> dagger.Container:
    """The container that `docker buildx build` would make of `dockerfile` in `context`, or in `dockerfiles` if given.

    `contexts` are extra build contexts by name (`--build-context`): a name stands for every FROM, `COPY --from` and
    `RUN --mount=from=` that means the same image in docker's normal form. `secrets` are found by their id. `allow` are
    entitlements (`--allow`): what a RUN may ask for beyond a container's usual rights. `pins` gives the reference to
    pull for one as written, once no context stands for it. `asked` is
    for several builds of one connection: what they start from is then asked for its config and its users once.
    `on_made` gets the container after each instruction that changed files, the base's first; `on_run` each RUN as it
    is planned, with the container after it; `on_fetch` each download and each checkout of an ADD, not yet evaluated.

    Raises ValueError for an entitlement there is not; DockerfileError, before anything runs, for what cannot be built
    or is not allowed; dagger.ExecError for a failing RUN, once
    something asks for the result.
    """
    allowed = read(allow)
    builder = DaggerBuilder(client, secrets, ssh, asked or Asked(), on_fetch, pins)
    directories = {name: one for name, one in contexts.items() if isinstance(one, dagger.Directory)}
    containers = {name: one for name, one in contexts.items() if isinstance(one, dagger.Container)}
    # Asked for once here, or every question about a host directory would read it from the host again.
    main = context if begins_at_an_object(context) else await context.sync()
    given = Contexts(main, containers, directories, dockerfiles)
    request = BuildRequest(dockerfile, target, build_args, platform, allowed)
    return await build_with(builder, given, request, on_warning, on_made, on_run=on_run)
