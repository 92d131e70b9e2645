"""A RUN as calls on a Dagger container: mounts and variables put on, the exec, and all of them taken off again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import dagger

from baselard.dockerfile.apply.builder import MountedTree
from baselard.dockerfile.plan.steps import MountStep, RunStep
from baselard.oci.image_config import ImageConfig

AGENT_SOCKET = "/run/buildkit/ssh_agent.{}"
SECRET_MODE = 0o400
AGENT_MODE = 0o600


def run_limits(step: RunStep) -> Iterable[tuple[str, str]]:
    """(rule, message) for what a RUN asks for that no call of the API can give it."""
    if step.network != "default":
        yield "RunNetwork", f"RUN --network={step.network} runs with the engine's usual network"
    for mount in step.mounts:
        if mount.kind == "cache" and mount.read_only:
            yield "RunCacheReadOnly", f"the cache at {mount.target} is writable here"
        if mount.kind == "ssh" and mount.mode not in (None, AGENT_MODE):
            yield "RunSshMode", f"the agent's socket has mode 0600 here, not {mount.mode:04o}"


def run_step(  # noqa: PLR0913 (one argument for each thing that an exec can see)
    client: dagger.Client,
    container: dagger.Container,
    step: RunStep,
    *,
    config: ImageConfig,
    mounts: Sequence[MountedTree[dagger.Directory]],
    secrets: Mapping[str, dagger.Secret],
    ssh: dagger.Socket | None,
) -> dagger.Container:
    """The container after the step; only what it wrote outside its mounts remains."""
    env = dict(step.env)
    agents = _agents(mounts)
    if agents and config.env_value("SSH_AUTH_SOCK") is None:  # set even when no agent was given, as in BuildKit
        env.setdefault("SSH_AUTH_SOCK", next(iter(agents)))
    if ssh is not None:
        container = _with_agents(container, agents, ssh)
    for mounted in mounts:
        container = _mount(client, container, mounted, secrets)
    container = _with_variables(container, env, step.proxies)
    container = container.with_exec(
        list(step.args), no_init=True, insecure_root_capabilities=step.security == "insecure"
    )
    for name in step.proxies:
        container = container.without_volatile_variable(name)
    for name in env:
        container = _restore(container, name, config)
    for mounted in reversed(mounts):
        container = _unmount(container, mounted.mount)
    for socket in agents if ssh else ():
        container = container.without_unix_socket(socket)
    return container


def _with_agents(container: dagger.Container, agents: Mapping[str, MountStep], ssh: dagger.Socket) -> dagger.Container:
    for socket, mount in agents.items():
        container = container.with_unix_socket(socket, ssh, owner=_owner(mount) or "0:0")
    return container


def _with_variables(
    container: dagger.Container, env: Mapping[str, str], volatile: Mapping[str, str]
) -> dagger.Container:
    for name, value in env.items():
        container = container.with_env_variable(name, value)
    for name, value in volatile.items():
        container = container.with_volatile_variable(name, value)
    return container


def _agents(mounts: Sequence[MountedTree[dagger.Directory]]) -> Mapping[str, MountStep]:
    """The agent mounts by the path of their socket."""
    asked = [mounted.mount for mounted in mounts if mounted.mount.kind == "ssh"]
    return {mount.target or AGENT_SOCKET.format(number): mount for number, mount in enumerate(asked)}


def _restore(container: dagger.Container, name: str, config: ImageConfig) -> dagger.Container:
    value = config.env_value(name)
    return container.without_env_variable(name) if value is None else container.with_env_variable(name, value)


def _owner(mount: MountStep) -> str:
    if mount.uid is None and mount.gid is None:
        return ""
    return f"{mount.uid or 0}:{mount.gid or 0}"


def _mount(
    client: dagger.Client,
    container: dagger.Container,
    mounted: MountedTree[dagger.Directory],
    secrets: Mapping[str, dagger.Secret],
) -> dagger.Container:
    mount = mounted.mount
    if mount.kind == "bind":
        return _bind(container, mounted)
    if mount.kind == "cache":
        return _cache(client, container, mounted)
    if mount.kind == "tmpfs":
        return container.with_mounted_temp(mount.target, size=mount.size or None)
    if mount.kind == "secret":
        return _secret(container, mount, secrets[mount.id])
    return container


def _bind(container: dagger.Container, mounted: MountedTree[dagger.Directory]) -> dagger.Container:
    mount, tree = mounted.mount, mounted.tree
    if tree is None:
        return container
    if not mounted.is_directory:
        return container.with_mounted_file(mount.target, tree.file(mount.source))
    if mount.source != "/":
        tree = tree.directory(mount.source)
    return container.with_mounted_directory(mount.target, tree, read_only=mount.read_only)


def _cache(
    client: dagger.Client, container: dagger.Container, mounted: MountedTree[dagger.Directory]
) -> dagger.Container:
    mount = mounted.mount
    sharing = dagger.CacheSharingMode[mount.sharing.upper()]
    source = None
    if mounted.tree is not None:
        source = mounted.tree if mount.source == "/" else mounted.tree.directory(mount.source)
    elif mount.mode is not None:
        new = client.directory().with_new_directory("cache", permissions=mount.mode)
        source = new.directory("cache")
    return container.with_mounted_cache(
        mount.target, client.cache_volume(mount.id), source=source, sharing=sharing, owner=_owner(mount)
    )


def _secret(container: dagger.Container, mount: MountStep, secret: dagger.Secret) -> dagger.Container:
    if mount.env:
        container = container.with_secret_variable(mount.env, secret)
    if not mount.target:
        return container
    mode = SECRET_MODE if mount.mode is None else mount.mode
    return container.with_mounted_secret(mount.target, secret, owner=_owner(mount), mode=mode)


def _unmount(container: dagger.Container, mount: MountStep) -> dagger.Container:
    if mount.kind == "secret" and mount.env:
        container = container.without_secret_variable(mount.env)
    if mount.kind == "ssh":
        return container
    return container.without_mount(mount.target) if mount.target else container
