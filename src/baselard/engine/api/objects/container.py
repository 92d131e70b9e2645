"""A container: a root file system, an image configuration, and what is mounted and set for its commands.

Frozen; every ``with_…`` returns a new one. Nothing here runs anything.
"""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, replace

from baselard.engine.api.objects import durations
from baselard.engine.api.objects.environment import expand
from baselard.engine.api.objects.secrets import Secret
from baselard.engine.api.objects.serving import served, served_as, shows
from baselard.engine.api.objects.values import EnvVariable, HealthcheckConfig, Label, Port
from baselard.engine.errors import UserError
from baselard.engine.files import paths
from baselard.engine.run.containers.command import Binding, Mount, SecretRef
from baselard.engine.solver.graph import Node, Output
from baselard.oci.digits import LARGEST_PORT
from baselard.oci.image_config import Healthcheck, ImageConfig, Pairs
from baselard.oci.platforms import Platform


@dataclass(frozen=True)
class TerminalCommand:
    """The command of ``terminal`` when it is not told one."""

    args: tuple[str, ...]
    nesting: bool = False
    insecure: bool = False


@shows(user="config.user", workdir="config.workdir", entrypoint="config.entrypoint", defaultArgs="config.cmd")
@dataclass(frozen=True)
class Container:
    """The API's Container.

    ``rootfs`` never includes mounts. ``explicit_default_args`` says that the default arguments were set by
    ``withDefaultArgs`` rather than taken from an image. ``image_ref`` is known right after ``from`` alone;
    ``annotations`` reach the manifest, not the configuration. ``last`` is the last command's node. ``marks`` are the
    trees from a Dockerfile's base to its last instruction, each of which is a layer and an entry of the history.
    """

    rootfs: Output
    config: ImageConfig
    mounts: tuple[Mount, ...] = ()
    secret_env: tuple[tuple[str, SecretRef], ...] = ()
    volatile_env: Pairs = ()
    bindings: tuple[Binding, ...] = ()
    ports: tuple[Port, ...] = ()
    annotations: Pairs = ()
    last: Node | None = None
    explicit_default_args: bool = False
    terminal: TerminalCommand = TerminalCommand(("sh",))
    image_ref: str = ""
    marks: tuple[Output, ...] = ()

    @property
    def platform(self) -> Platform:
        return self.config.platform

    @served_as("platform")
    def shown_platform(self) -> str:
        return str(self.platform)

    def absolute(self, path: str, *, expand: bool = False) -> str:
        """``path`` as seen from the working directory, cleaned; ``..`` ends at the root."""
        return "/" + paths.clean(posixpath.join("/", self.config.workdir, self.expand(path, wanted=expand)))

    def expand(self, text: str, *, wanted: bool = True) -> str:
        """``text`` with this container's variables in place, if that is wanted.

        Raises UserError when a secret or volatile variable is named: its value would end up in keys and images.
        """
        return expand(text, self._variable) if wanted else text

    def _variable(self, name: str) -> str:
        if name in dict(self.secret_env):
            raise UserError(f'expand cannot be used with secret env variable "{name}"')
        if name in dict(self.volatile_env):
            raise UserError(f'expand cannot be used with volatile env variable "{name}"')
        return dict(self.config.env).get(name, "")

    def configured(self, change: Callable[[ImageConfig], ImageConfig]) -> "Container":
        """With another image configuration; what was known of the image it came from is not true any more."""
        return replace(self, config=change(self.config), image_ref="")

    @served
    def with_user(self, name: str) -> "Container":
        return self.configured(lambda config: replace(config, user=name))

    @served
    def without_user(self) -> "Container":
        return self.configured(lambda config: replace(config, user=""))

    @served
    def with_workdir(self, path: str, *, expand: bool = False) -> "Container":
        target = self.absolute(path, expand=expand)
        return self.configured(lambda config: replace(config, workdir=target))

    @served
    def without_workdir(self) -> "Container":
        return self.configured(lambda config: replace(config, workdir=""))

    # variables

    @property
    @served
    def env_variables(self) -> list[EnvVariable]:
        return [EnvVariable(name, value) for name, value in self.config.env]

    @served
    def env_variable(self, name: str) -> str | None:
        return self.config.env_value(name)

    @served
    def with_env_variable(self, name: str, value: str, *, expand: bool = False) -> "Container":
        """Set a variable. Raises UserError for a name that cannot be one."""
        value = self.expand(value, wanted=expand)
        check_variable(name, value)
        return self.configured(lambda config: config.with_env(name, value))

    @served
    def without_env_variable(self, name: str) -> "Container":
        return self.configured(lambda config: config.without_env(name))

    @served
    def with_secret_variable(self, name: str, secret: Secret) -> "Container":
        """Have a secret's plaintext in a variable of commands; never in the image. The same name replaces."""
        check_variable(name)
        return replace(self, secret_env=(*self.without_secret_variable(name).secret_env, (name, secret.ref)))

    @served
    def without_secret_variable(self, name: str) -> "Container":
        return replace(self, secret_env=tuple(pair for pair in self.secret_env if pair[0] != name))

    @served
    def with_volatile_variable(self, name: str, value: str) -> "Container":
        """Set a variable of commands that is in no key and in no image."""
        check_variable(name, value)
        return replace(self, volatile_env=(*self.without_volatile_variable(name).volatile_env, (name, value)))

    @served
    def without_volatile_variable(self, name: str) -> "Container":
        return replace(self, volatile_env=tuple(pair for pair in self.volatile_env if pair[0] != name))

    # ports

    @property
    @served
    def exposed_ports(self) -> tuple[Port, ...]:
        """Ports set on the container first, then those its image exposes."""
        known = {port.spec for port in self.ports}
        return (*self.ports, *(port for port in map(Port.of, self.config.exposed_ports) if port.spec not in known))

    @served
    def with_exposed_port(
        self,
        port: int,
        protocol: str = "TCP",
        description: str | None = None,
        *,
        experimental_skip_healthcheck: bool = False,
    ) -> "Container":
        """Expose a port. Raises UserError for a number that is none."""
        if not 0 < port <= LARGEST_PORT:
            raise UserError(f"port {port} is not between 1 and 65535")
        new = Port(port, protocol, description, experimental_skip_healthcheck)
        rest = self.without_exposed_port(port, protocol)
        changed = rest.configured(lambda config: replace(config, exposed_ports=(*config.exposed_ports, new.spec)))
        return replace(changed, ports=(*rest.ports, new))

    @served
    def without_exposed_port(self, port: int, protocol: str = "TCP") -> "Container":
        gone = Port(port, protocol).spec
        specs = tuple(spec for spec in self.config.exposed_ports if Port.of(spec).spec != gone)
        changed = self.configured(lambda config: replace(config, exposed_ports=specs))
        return replace(changed, ports=tuple(known for known in self.ports if known.spec != gone))

    # what commands are run by default

    @served
    def with_entrypoint(self, args: tuple[str, ...], *, keep_default_args: bool = False) -> "Container":
        """Set the entrypoint, which drops the default arguments unless they are kept."""
        return self.configured(
            lambda config: replace(config, entrypoint=args, cmd=config.cmd if keep_default_args else ())
        )

    @served
    def without_entrypoint(self, *, keep_default_args: bool = False) -> "Container":
        return self.with_entrypoint((), keep_default_args=keep_default_args)

    @served
    def with_default_args(self, args: tuple[str, ...]) -> "Container":
        changed = self.configured(lambda config: replace(config, cmd=args))
        return replace(changed, explicit_default_args=True)

    @served
    def without_default_args(self) -> "Container":
        changed = self.configured(lambda config: replace(config, cmd=()))
        return replace(changed, explicit_default_args=False)

    @served
    def with_default_terminal_cmd(
        self,
        args: tuple[str, ...],
        *,
        experimental_privileged_nesting: bool = False,
        insecure_root_capabilities: bool = False,
    ) -> "Container":
        command = TerminalCommand(args, experimental_privileged_nesting, insecure_root_capabilities)
        return replace(self, terminal=command)

    @property
    @served
    def docker_healthcheck(self) -> HealthcheckConfig | None:
        check = self.config.healthcheck
        return HealthcheckConfig.of(check) if check else None

    @served
    def with_docker_healthcheck(
        self,
        args: tuple[str, ...],
        *,
        shell: bool = False,
        interval: str = "0",
        timeout: str = "0",
        start_period: str = "0",
        start_interval: str = "0",
        retries: int = 0,
    ) -> "Container":
        """Set Docker's health check. Raises UserError for a duration that is none."""
        check = Healthcheck(
            ("CMD-SHELL" if shell else "CMD", *args),
            interval=durations.parse(interval),
            timeout=durations.parse(timeout),
            start_period=durations.parse(start_period),
            start_interval=durations.parse(start_interval),
            retries=retries,
        )
        return self.configured(lambda config: replace(config, healthcheck=check))

    @served
    def without_docker_healthcheck(self) -> "Container":
        return self.configured(lambda config: replace(config, healthcheck=None))

    # labels and annotations

    @property
    @served
    def labels(self) -> list[Label]:
        return [Label(name, value) for name, value in self.config.labels]

    @served
    def label(self, name: str) -> str | None:
        return dict(self.config.labels).get(name)

    @served
    def with_label(self, name: str, value: str) -> "Container":
        return self.configured(lambda config: config.with_label(name, value))

    @served
    def without_label(self, name: str) -> "Container":
        return self.configured(lambda config: config.without_label(name))

    @served
    def with_annotation(self, name: str, value: str) -> "Container":
        return replace(self, annotations=tuple({**dict(self.annotations), name: value}.items()))

    @served
    def without_annotation(self, name: str) -> "Container":
        return replace(self, annotations=tuple(pair for pair in self.annotations if pair[0] != name))


def check_variable(name: str, value: str = "") -> None:
    """Raises UserError when the name of an environment variable, or its value, cannot be one (environ(7))."""
    if not name or "=" in name or "\0" in name:
        raise UserError(f"{name!r} is not a name for an environment variable")
    if "\0" in value:
        raise UserError(f"the value of the environment variable {name} holds a NUL byte")
