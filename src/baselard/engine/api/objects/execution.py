"""Commands of a container: what withExec and services run, and what becomes of the container."""

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from baselard.engine.api.objects.container import Container
from baselard.engine.errors import UserError
from baselard.engine.ops.exec import Exec, Expect
from baselard.engine.run.containers.command import BindMount, Command, Net
from baselard.engine.run.containers.host import PROXIES
from baselard.engine.run.services.service import ContainerService, ServicePort
from baselard.engine.solver.graph import Output
from baselard.oci.image_config import DEFAULT_PATH, Healthcheck, Pairs

"""The PATH of a command whose image sets none (BuildKit's, for Linux)."""


@dataclass(frozen=True)
class ExecOptions:
    """How a command is run: withExec's arguments without the program's own.

    ``proxies`` are variables of which not even the names count, as a Dockerfile's predefined arguments.
    """

    use_entrypoint: bool = False
    stdin: str = ""
    redirect_stdin: str = ""
    redirect_stdout: str = ""
    redirect_stderr: str = ""
    expect: Expect = Expect.SUCCESS
    nesting: bool = False
    insecure: bool = False
    expand: bool = False
    no_init: bool = False
    network: Net = Net.CONTAINERS
    fresh: str = ""
    proxies: Pairs = ()


def with_exec(container: Container, args: Sequence[str], options: ExecOptions) -> Container:
    """The container after a command ran in it.

    Raises UserError when there is nothing to run or both ways of standard input are taken.
    """
    if options.stdin and options.redirect_stdin:
        raise UserError("cannot set both stdin and redirectStdin")
    node = Exec(
        command(container, program(container, args, options), options),
        options.stdin,
        _redirect(container, options.redirect_stdin),
        _redirect(container, options.redirect_stdout),
        _redirect(container, options.redirect_stderr),
        options.expect,
        options.fresh,
    )
    return _after(container, node)


def program(container: Container, args: Sequence[str], options: ExecOptions) -> tuple[str, ...]:
    """The whole command line: the default arguments when ``args`` is empty, the entrypoint in front if wanted."""
    words = tuple(container.expand(word, wanted=options.expand) for word in args) or container.config.cmd
    if options.use_entrypoint:
        words = (*container.config.entrypoint, *words)
    if not words:
        raise UserError("no command has been set")
    return words


def command(container: Container, args: tuple[str, ...], options: ExecOptions) -> Command:
    """The settings that the container runs ``args`` with."""
    config = container.config
    has_path = config.env_value("PATH") is not None
    return Command(
        rootfs=container.rootfs,
        args=args,
        env=config.env if has_path else (("PATH", DEFAULT_PATH), *config.env),
        secret_env=container.secret_env,
        volatile_env=(*container.volatile_env, *options.proxies),
        volatile_names=_counted(name for name, _ in container.volatile_env),
        cwd=config.workdir or "/",
        user=config.user,
        mounts=container.mounts,
        bindings=container.bindings,
        platform=config.platform,
        insecure=options.insecure,
        nesting=options.nesting,
        no_init=options.no_init,
        network=options.network,
    )


def _counted(volatile: Iterable[str]) -> tuple[str, ...]:
    """The names that are part of the key: a proxy's is not, as a Dockerfile's predefined arguments have it."""
    return tuple(sorted(name for name in volatile if name.lower() not in PROXIES))


def _redirect(container: Container, path: str) -> str:
    return posixpath.join("/", container.config.workdir, path) if path else ""


def _after(container: Container, node: Exec) -> Container:
    """Writable mounts become the command's outputs, as the root file system does."""
    made = {id(mount): Output(node, index + 1) for index, mount in enumerate(node.command.writable)}
    mounts = tuple(
        replace(mount, source=made[id(mount)]) if isinstance(mount, BindMount) and id(mount) in made else mount
        for mount in container.mounts
    )
    return replace(container, rootfs=Output(node), mounts=mounts, last=node, image_ref="")


def as_service(container: Container, args: Sequence[str], options: ExecOptions) -> ContainerService:
    """The container as a service that runs ``args``, or what the image runs by default.

    Default arguments that were set explicitly stand alone; those of an image follow its entrypoint. Raises UserError
    when there is nothing to run.
    """
    config = container.config
    if args:
        words = tuple(container.expand(word, wanted=options.expand) for word in args)
        words = (*config.entrypoint, *words) if options.use_entrypoint else words
    elif container.explicit_default_args and not options.use_entrypoint:
        words = config.cmd
    else:
        words = (*config.entrypoint, *config.cmd)
    if not words:
        raise UserError("no service command has been set; name one, or set default arguments or an entrypoint")
    ports = tuple(
        ServicePort(port.port, port.protocol, not port.experimental_skip_healthcheck, port.description)
        for port in container.ports
    )
    return ContainerService(command(container, words, options), ports, _in_shell(config.healthcheck, config.shell))


def _in_shell(check: Healthcheck | None, shell: tuple[str, ...]) -> Healthcheck | None:
    """A health check of one line as the command that it is in the image's own shell, if that has one."""
    if not check or not shell or check.test[:1] != ("CMD-SHELL",):
        return check
    return replace(check, test=("CMD", *shell, *check.test[1:]))
