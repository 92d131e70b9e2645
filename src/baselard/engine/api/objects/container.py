"""A container: a root file system, an image configuration, and what is mounted and set for its commands.

Frozen; every ``with_…`` returns a new one. Nothing here runs anything.
"""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, replace

from baselard.engine.api.objects.environment import expand
from baselard.engine.api.objects.serving import served
from baselard.engine.api.objects.values import Port
from baselard.engine.errors import UserError
from baselard.engine.files import paths
from baselard.engine.host.platforms import Platform
from baselard.engine.images.image import Healthcheck, ImageConfig, Pairs
from baselard.engine.run.containers.command import Binding, Mount, SecretRef
from baselard.engine.solver.graph import Node, Output


@dataclass(frozen=True)
class TerminalCommand:
    """What ``terminal`` runs when it is not told."""

    args: tuple[str, ...]
    nesting: bool = False
    insecure: bool = False


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

    def absolute(self, path: str) -> str:
        """``path`` as seen from the working directory, cleaned; ``..`` ends at the root."""
        return "/" + paths.clean(posixpath.join("/", self.config.workdir, path))

    def expand(self, text: str, *, wanted: bool = True) -> str:
        """``text`` with this container's variables in place, if that is wanted.

        Raises UserError when a secret variable is named: its value would end up in keys and images.
        """
        return expand(text, self._variable) if wanted else text

    def _variable(self, name: str) -> str:
        if name in dict(self.secret_env):
            raise UserError(f'expand cannot be used with secret env variable "{name}"')
        return dict(self.config.env).get(name, "")

    def configured(self, change: Callable[[ImageConfig], ImageConfig]) -> "Container":
        """With another image configuration; what was known of the image it came from is not true any more."""
        return replace(self, config=change(self.config), image_ref="")

    # variables

    def with_env(self, name: str, value: str) -> "Container":
        """Set a variable. Raises UserError for a name that cannot be one."""
        check_variable(name, value)
        return self.configured(lambda config: config.with_env(name, value))

    def with_secret_env(self, name: str, secret: SecretRef) -> "Container":
        """Have a secret's plaintext in a variable of commands; never in the image. The same name replaces."""
        check_variable(name)
        kept = tuple(pair for pair in self.secret_env if pair[0] != name)
        return replace(self, secret_env=(*kept, (name, secret)))

    def without_secret_env(self, name: str) -> "Container":
        return replace(self, secret_env=tuple(pair for pair in self.secret_env if pair[0] != name))

    def with_volatile_env(self, name: str, value: str) -> "Container":
        """Set a variable of commands that is in no key and in no image."""
        check_variable(name, value)
        return replace(self, volatile_env=(*self.without_volatile_env(name).volatile_env, (name, value)))

    def without_volatile_env(self, name: str) -> "Container":
        return replace(self, volatile_env=tuple(pair for pair in self.volatile_env if pair[0] != name))

    # ports

    @property
    @served
    def exposed_ports(self) -> tuple[Port, ...]:
        """Ports set on the container first, then those its image exposes."""
        known = {port.spec for port in self.ports}
        return (*self.ports, *(port for port in map(Port.of, self.config.exposed_ports) if port.spec not in known))

    def with_port(self, port: Port) -> "Container":
        """Expose a port. Raises UserError for a number that is none."""
        if not 0 < port.port < 1 << 16:
            raise UserError(f"port {port.port} is not between 1 and 65535")
        kept = tuple(known for known in self.ports if known.spec != port.spec)
        specs = tuple(spec for spec in self.config.exposed_ports if Port.of(spec).spec != port.spec)
        changed = self.configured(lambda config: replace(config, exposed_ports=(*specs, port.spec)))
        return replace(changed, ports=(*kept, port))

    def without_port(self, port: Port) -> "Container":
        kept = tuple(known for known in self.ports if known.spec != port.spec)
        specs = tuple(spec for spec in self.config.exposed_ports if Port.of(spec).spec != port.spec)
        return replace(self.configured(lambda config: replace(config, exposed_ports=specs)), ports=kept)

    # what commands are run by default

    def with_entrypoint(self, args: tuple[str, ...], *, keep_default_args: bool) -> "Container":
        """Set the entrypoint, which drops the default arguments unless they are kept."""
        return self.configured(
            lambda config: replace(config, entrypoint=args, cmd=config.cmd if keep_default_args else ())
        )

    def with_default_args(self, args: tuple[str, ...]) -> "Container":
        changed = self.configured(lambda config: replace(config, cmd=args))
        return replace(changed, explicit_default_args=True)

    def without_default_args(self) -> "Container":
        changed = self.configured(lambda config: replace(config, cmd=()))
        return replace(changed, explicit_default_args=False)

    def with_healthcheck(self, check: Healthcheck | None) -> "Container":
        return self.configured(lambda config: replace(config, healthcheck=check))

    # annotations

    def with_annotation(self, name: str, value: str) -> "Container":
        return replace(self, annotations=tuple({**dict(self.annotations), name: value}.items()))

    def without_annotation(self, name: str) -> "Container":
        return replace(self, annotations=tuple(pair for pair in self.annotations if pair[0] != name))


def check_variable(name: str, value: str = "") -> None:
    """Raises UserError when the name of an environment variable, or its value, cannot be one (environ(7))."""
    if not name or "=" in name or "\0" in name:
        raise UserError(f"{name!r} is no name for an environment variable")
    if "\0" in value:
        raise UserError(f"the value of the environment variable {name} holds a NUL byte")
