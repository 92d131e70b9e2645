"""Container: its image configuration and variables."""

# ruff: noqa: PLR0913 -- resolvers take the arguments that the API has

from dataclasses import replace

from baselard.engine.api.objects import durations
from baselard.engine.api.objects.container import Container, TerminalCommand
from baselard.engine.api.objects.secrets import Secret
from baselard.engine.api.objects.values import EnvVariable, HealthcheckConfig, Label, Port
from baselard.engine.api.query.context import Context
from baselard.engine.api.query.registry import field
from baselard.engine.images.image import Healthcheck

Strings = tuple[str, ...]


@field("Container.platform")
def platform(_ctx: Context, container: Container) -> str:
    return str(container.platform)


@field("Container.user")
def user(_ctx: Context, container: Container) -> str:
    return container.config.user


@field("Container.withUser")
def with_user(_ctx: Context, container: Container, *, name: str) -> Container:
    return container.configured(lambda config: replace(config, user=name))


@field("Container.withoutUser")
def without_user(_ctx: Context, container: Container) -> Container:
    return container.configured(lambda config: replace(config, user=""))


@field("Container.workdir")
def workdir(_ctx: Context, container: Container) -> str:
    return container.config.workdir


@field("Container.withWorkdir")
def with_workdir(_ctx: Context, container: Container, *, path: str, expand: bool = False) -> Container:
    target = container.absolute(container.expand(path, wanted=expand))
    return container.configured(lambda config: replace(config, workdir=target))


@field("Container.withoutWorkdir")
def without_workdir(_ctx: Context, container: Container) -> Container:
    return container.configured(lambda config: replace(config, workdir=""))


@field("Container.entrypoint")
def entrypoint(_ctx: Context, container: Container) -> Strings:
    return container.config.entrypoint


@field("Container.withEntrypoint")
def with_entrypoint(
    _ctx: Context, container: Container, *, args: Strings, keep_default_args: bool = False
) -> Container:
    return container.with_entrypoint(tuple(args), keep_default_args=keep_default_args)


@field("Container.withoutEntrypoint")
def without_entrypoint(_ctx: Context, container: Container, *, keep_default_args: bool = False) -> Container:
    return container.with_entrypoint((), keep_default_args=keep_default_args)


@field("Container.defaultArgs")
def default_args(_ctx: Context, container: Container) -> Strings:
    return container.config.cmd


@field("Container.withDefaultArgs")
def with_default_args(_ctx: Context, container: Container, *, args: Strings) -> Container:
    return container.with_default_args(tuple(args))


@field("Container.withoutDefaultArgs")
def without_default_args(_ctx: Context, container: Container) -> Container:
    return container.without_default_args()


@field("Container.withDefaultTerminalCmd")
def with_default_terminal_cmd(
    _ctx: Context,
    container: Container,
    *,
    args: Strings,
    experimental_privileged_nesting: bool = False,
    insecure_root_capabilities: bool = False,
) -> Container:
    command = TerminalCommand(tuple(args), experimental_privileged_nesting, insecure_root_capabilities)
    return replace(container, terminal=command)


@field("Container.envVariables")
def env_variables(_ctx: Context, container: Container) -> list[EnvVariable]:
    return [EnvVariable(name, value) for name, value in container.config.env]


@field("Container.envVariable")
def env_variable(_ctx: Context, container: Container, *, name: str) -> str | None:
    return container.config.env_value(name)


@field("Container.withEnvVariable")
def with_env_variable(_ctx: Context, container: Container, *, name: str, value: str, expand: bool = False) -> Container:
    return container.with_env(name, container.expand(value, wanted=expand))


@field("Container.withoutEnvVariable")
def without_env_variable(_ctx: Context, container: Container, *, name: str) -> Container:
    return container.configured(lambda config: config.without_env(name))


@field("Container.withSecretVariable")
def with_secret_variable(_ctx: Context, container: Container, *, name: str, secret: Secret) -> Container:
    return container.with_secret_env(name, secret.ref)


@field("Container.withoutSecretVariable")
def without_secret_variable(_ctx: Context, container: Container, *, name: str) -> Container:
    return container.without_secret_env(name)


@field("Container.withVolatileVariable")
def with_volatile_variable(_ctx: Context, container: Container, *, name: str, value: str) -> Container:
    return container.with_volatile_env(name, value)


@field("Container.withoutVolatileVariable")
def without_volatile_variable(_ctx: Context, container: Container, *, name: str) -> Container:
    return container.without_volatile_env(name)


@field("Container.labels")
def labels(_ctx: Context, container: Container) -> list[Label]:
    return [Label(name, value) for name, value in container.config.labels]


@field("Container.label")
def label(_ctx: Context, container: Container, *, name: str) -> str | None:
    return dict(container.config.labels).get(name)


@field("Container.withLabel")
def with_label(_ctx: Context, container: Container, *, name: str, value: str) -> Container:
    return container.configured(lambda config: config.with_label(name, value))


@field("Container.withoutLabel")
def without_label(_ctx: Context, container: Container, *, name: str) -> Container:
    return container.configured(lambda config: config.without_label(name))


@field("Container.withAnnotation")
def with_annotation(_ctx: Context, container: Container, *, name: str, value: str) -> Container:
    return container.with_annotation(name, value)


@field("Container.withoutAnnotation")
def without_annotation(_ctx: Context, container: Container, *, name: str) -> Container:
    return container.without_annotation(name)


@field("Container.withExposedPort")
def with_exposed_port(
    _ctx: Context,
    container: Container,
    *,
    port: int,
    protocol: str = "TCP",
    description: str | None = None,
    experimental_skip_healthcheck: bool = False,
) -> Container:
    return container.with_port(Port(port, protocol, description, experimental_skip_healthcheck))


@field("Container.withoutExposedPort")
def without_exposed_port(_ctx: Context, container: Container, *, port: int, protocol: str = "TCP") -> Container:
    return container.without_port(Port(port, protocol))


@field("Container.dockerHealthcheck")
def docker_healthcheck(_ctx: Context, container: Container) -> HealthcheckConfig | None:
    check = container.config.healthcheck
    return HealthcheckConfig.of(check) if check else None


@field("Container.withDockerHealthcheck")
def with_docker_healthcheck(
    _ctx: Context,
    container: Container,
    *,
    args: Strings,
    shell: bool = False,
    interval: str = "0",
    timeout: str = "0",
    start_period: str = "0",
    start_interval: str = "0",
    retries: int = 0,
) -> Container:
    check = Healthcheck(
        ("CMD-SHELL" if shell else "CMD", *args),
        interval=durations.parse(interval),
        timeout=durations.parse(timeout),
        start_period=durations.parse(start_period),
        start_interval=durations.parse(start_interval),
        retries=retries,
    )
    return container.with_healthcheck(check)


@field("Container.withoutDockerHealthcheck")
def without_docker_healthcheck(_ctx: Context, container: Container) -> Container:
    return container.with_healthcheck(None)
