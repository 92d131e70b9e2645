"""A RUN of a Dockerfile as a command in a container; only what it wrote outside its mounts remains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from baselard.dockerfile.apply.builder import MountedTree
from baselard.dockerfile.plan.steps import MountStep, RunStep
from baselard.engine.api.objects.caches import CacheVolume
from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.directory import EMPTY, Directory
from baselard.engine.api.objects.execution import ExecOptions, with_exec
from baselard.engine.api.objects.mounts import with_mount
from baselard.engine.api.objects.secrets import Secret
from baselard.engine.api.objects.values import Socket
from baselard.engine.ops.file import NewDirectory
from baselard.engine.run.containers.command import (
    BindMount,
    CacheSharing,
    Mount,
    Net,
    SecretMount,
    SocketMount,
    TmpfsMount,
)
from baselard.engine.solver.graph import Output
from baselard.oci.image_config import ImageConfig

_AGENT = "/run/buildkit/ssh_agent.{}"
_SECRET_MODE = 0o400
_AGENT_MODE = 0o600


@dataclass(frozen=True)
class Given:
    """What the build was given for its commands."""

    secrets: Mapping[str, Secret]
    ssh: Socket | None
    namespace: str
    no_init: bool
    fresh: str


def run_step(
    container: Container,
    config: ImageConfig,
    step: RunStep,
    mounts: Sequence[MountedTree[Directory]],
    given: Given,
) -> Container:
    """The container after the step."""
    inside = container
    for name, value in {**dict(config.env), **dict(step.env)}.items():
        inside = inside.with_env_variable(name, value)
    agents = 0
    for mounted in mounts:
        inside = _mounted(inside, mounted, given, agents)
        agents += mounted.mount.kind == "ssh"
    network = Net.of(step.network)
    options = ExecOptions(
        no_init=given.no_init,
        insecure=step.security == "insecure",
        network=network,
        fresh=given.fresh,
        proxies=tuple(step.proxies.items()),
    )
    done = with_exec(inside, step.args, options)
    return replace(container, rootfs=done.rootfs, last=done.last)


def _mounted(container: Container, mounted: MountedTree[Directory], given: Given, agents: int) -> Container:
    mount = mounted.mount
    if mount.kind == "secret":
        return _secret(container, mount, given.secrets.get(mount.id))
    if mount.kind == "ssh":
        return _agent(container, mount, given.ssh, agents)
    files = _file_system(mounted, given.namespace)
    return with_mount(container, files) if files else container


def _secret(container: Container, mount: MountStep, secret: Secret | None) -> Container:
    if secret is None:
        return container
    if mount.env:
        container = container.with_secret_variable(mount.env, secret)
    if not mount.target:
        return container
    mode = _SECRET_MODE if mount.mode is None else mount.mode
    return with_mount(container, SecretMount(mount.target, secret.ref, _owner(mount), mode))


def _agent(container: Container, mount: MountStep, agent: Socket | None, number: int) -> Container:
    """The agent's socket and its variable, which BuildKit sets even when there is no agent."""
    target = mount.target or _AGENT.format(number)
    if container.config.env_value("SSH_AUTH_SOCK") is None:
        container = container.with_env_variable("SSH_AUTH_SOCK", target)
    if agent is None:
        return container
    mode = _AGENT_MODE if mount.mode is None else mount.mode
    return with_mount(container, SocketMount(target, agent.path, _owner(mount) or "0:0", mode))


def _file_system(mounted: MountedTree[Directory], namespace: str) -> Mount | None:
    mount, tree = mounted.mount, mounted.tree
    if mount.kind == "tmpfs":
        return TmpfsMount(mount.target, mount.size)
    if mount.kind == "cache":
        return _cache(mount, tree, namespace)
    if mount.kind == "bind" and tree is not None:
        return BindMount(mount.target, tree.output, tree.inside(mount.source), mount.read_only)
    return None


def _cache(mount: MountStep, tree: Directory | None, namespace: str) -> Mount:
    source = tree.directory(mount.source) if tree is not None else None
    if source is None and mount.mode is not None:
        source = Directory(Output(NewDirectory(EMPTY, "/cache", mount.mode)), "/cache")
    volume = CacheVolume(mount.id, namespace, CacheSharing(mount.sharing.upper()), source, _owner(mount))
    return replace(volume.mount(mount.target), readonly=mount.read_only)


def _owner(mount: MountStep) -> str:
    return "" if mount.uid is None and mount.gid is None else f"{mount.uid or 0}:{mount.gid or 0}"
