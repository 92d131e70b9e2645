"""A stage's instructions → steps, given the config of what it starts from. Pure.

The rules are those of BuildKit's dispatchers (frontend/dockerfile/dockerfile2llb/convert.go). Two environments are
kept apart as there: the image's, and what a RUN and the words of an instruction see, which also holds ARGs.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from e2b_dockerfile_utils import parse_heredoc

from baselard.dockerfile.plan import entitlements
from baselard.dockerfile.plan.checks_text import undefined
from baselard.dockerfile.plan.copies import copy_items
from baselard.dockerfile.plan.history import copied, quoted, ran
from baselard.dockerfile.plan.history import healthcheck as health_text
from baselard.dockerfile.plan.mounts import read_mount
from baselard.dockerfile.plan.stages import Plan, ResolvedStage, Source, find_source
from baselard.dockerfile.plan.steps import (
    DEFAULT_SHELL,
    Configure,
    CopyStep,
    Inline,
    MakeDirectory,
    MountStep,
    RunStep,
    Step,
)
from baselard.dockerfile.syntax import instructions as ins
from baselard.dockerfile.syntax.errors import DockerfileError, Place, Warning_
from baselard.dockerfile.syntax.paths import absolute, destination
from baselard.dockerfile.syntax.ports import parse_ports
from baselard.dockerfile.syntax.signals import check_signal
from baselard.dockerfile.syntax.text import parse_trigger
from baselard.dockerfile.syntax.words import Scope, expand, expand_many
from baselard.oci.image_config import DEFAULT_PATH, History, ImageConfig

PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")


@dataclass(frozen=True)
class Lowered:
    """A stage as steps. `scope` is the environment at its end, which a stage built FROM it inherits with its ARGs.

    `warnings` are those of variables that nothing sets.
    """

    steps: tuple[Step, ...]
    config: ImageConfig
    scope: Mapping[str, str]
    warnings: tuple[Warning_, ...] = ()


@dataclass
class _Stage:
    """The state while walking down one stage."""

    plan: Plan
    resolved: ResolvedStage
    config: ImageConfig
    scope: dict[str, str]
    args: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    cmd_set: bool = False
    warnings: list[Warning_] = field(default_factory=list)

    @property
    def escape(self) -> str:
        return self.plan.dockerfile.escape

    def expand(self, word: str, place: Place) -> str:
        scope = Scope(self.scope)
        text = expand(word, scope, self.escape, place)
        for name in scope.missing:
            if name not in self.args and f"${{{name}" not in word.replace(f"${{{name}}}", ""):  # no modifier
                self.warnings.append(undefined(name, self.scope, place))
        return text

    def find(self, name: str, place: Place) -> Source:
        return find_source(name, self.plan.stages, self.plan.options, self.plan.options.platform, place)

    def commit(self, place: Place, created_by: str, empty: bool = True, **changes: object) -> None:
        """Change the config and note it in the history; neighbouring changes become one step."""
        history = (*self.config.history, History(created_by, empty_layer=empty))
        self.config = replace(self.config, history=history, **changes)  # type: ignore[arg-type]
        if self.steps and isinstance(self.steps[-1], Configure):
            self.steps.pop()
        self.steps.append(Configure(place, self.config))


def lower_stage(
    plan: Plan,
    resolved: ResolvedStage,
    base: ImageConfig,
    inherited: Lowered | None = None,
    *,
    from_nothing: bool = False,
) -> Lowered:
    """The steps of a stage on a base with this config. Raises DockerfileError.

    `inherited` is the stage it was built FROM, when that is one of this Dockerfile. The triggers in the base's
    `onbuild` run first and are not passed on. `from_nothing` says that there is no image below, so that BuildKit's
    defaults apply.
    """
    config = base if base.env_value("PATH") is not None else base.with_env("PATH", DEFAULT_PATH)
    config = replace(config, onbuild=(), workdir="/" if from_nothing else base.workdir)
    scope = {**(inherited.scope if inherited else {}), **dict(config.env)}
    stage = _Stage(plan, resolved, config, scope)
    place = resolved.stage.place
    if config != base:
        stage.steps.append(Configure(place, config))
    triggers = [parse_trigger(text, place, stage.escape) for text in base.onbuild]
    for one in (*triggers, *resolved.stage.instructions):
        _lower(one, stage)
    return Lowered(tuple(stage.steps), stage.config, stage.scope, tuple(stage.warnings))


@functools.singledispatch
def _lower(instruction: ins.Instruction, _stage: _Stage) -> None:
    raise DockerfileError(f"{type(instruction).__name__.upper()} cannot stand here", instruction.place)


@_lower.register
def _env(one: ins.Env, stage: _Stage) -> None:
    # All words see the environment as it was before the line.
    pairs = [(stage.expand(p.key, one.place), stage.expand(p.value or "", one.place)) for p in one.pairs]
    stage.scope.update(pairs)
    env = {**dict(stage.config.env), **dict(pairs)}
    stage.commit(one.place, "ENV " + " ".join(f"{k}={v}" for k, v in pairs), env=tuple(env.items()))


@_lower.register
def _arg(arg: ins.Arg, stage: _Stage) -> None:
    texts = []
    for pair in arg.pairs:
        default = None if pair.value is None else stage.expand(pair.value, arg.place)
        value = _arg_value(pair.key, default, stage)
        stage.args.append(pair.key)
        if value is not None:
            stage.scope[pair.key] = value
        texts.append(pair.key if default is None else f"{pair.key}={default}")
    stage.commit(arg.place, "ARG " + " ".join(texts))


def _arg_value(key: str, default: str | None, stage: _Stage) -> str | None:
    given = stage.plan.options.build_args
    if key in given:
        return given[key]
    return stage.plan.args.get(key) if default is None else default


@_lower.register
def _label(label: ins.Label, stage: _Stage) -> None:
    pairs = [(stage.expand(p.key, label.place), stage.expand(p.value or "", label.place)) for p in label.pairs]
    text = "LABEL " + " ".join(f"{k}={v}" for k, v in pairs)
    labels = {**dict(stage.config.labels), **dict(pairs)}
    stage.commit(label.place, text, labels=tuple(labels.items()))


@_lower.register
def _workdir(workdir: ins.Workdir, stage: _Stage) -> None:
    path = absolute(stage.config.workdir, stage.expand(workdir.path, workdir.place))
    if path != "/":
        stage.steps.append(MakeDirectory(workdir.place, path, stage.config.user))
    stage.commit(workdir.place, f"WORKDIR {path}", empty=path == "/", workdir=path)


@_lower.register
def _user(one: ins.User, stage: _Stage) -> None:
    user = stage.expand(one.name, one.place)
    stage.commit(one.place, f"USER {user}", user=user)


def _with_shell(command: ins.Command, stage: _Stage) -> tuple[str, ...]:
    if not command.shell:
        return command.words
    return (*(stage.config.shell or DEFAULT_SHELL), " ".join(command.words))


@_lower.register
def _cmd(cmd: ins.Cmd, stage: _Stage) -> None:
    args = _with_shell(cmd.command, stage)
    stage.cmd_set = True
    stage.commit(cmd.place, f"CMD {quoted(args)}", cmd=args)


@_lower.register
def _entrypoint(entrypoint: ins.Entrypoint, stage: _Stage) -> None:
    args = _with_shell(entrypoint.command, stage)
    # A CMD of the base was meant for the base's entrypoint; one of this stage stays.
    cmd = stage.config.cmd if stage.cmd_set else ()
    stage.commit(entrypoint.place, f"ENTRYPOINT {quoted(args)}", entrypoint=args, cmd=cmd)


@_lower.register
def _shell(shell: ins.Shell, stage: _Stage) -> None:
    stage.commit(shell.place, f"SHELL [{' '.join(shell.words)}]", shell=shell.words)


@_lower.register
def _expose(expose: ins.Expose, stage: _Stage) -> None:
    words = [w for port in expose.ports for w in expand_many(port, stage.scope, stage.escape, expose.place)]
    try:
        ports = [port for word in words for port in parse_ports(word)]
    except ValueError as error:
        raise DockerfileError(str(error), expose.place) from None
    text = " ".join(f"{port}:{{}}" for port in sorted(set(ports)))
    stage.commit(
        expose.place, f"EXPOSE map[{text}]", exposed_ports=tuple(sorted({*stage.config.exposed_ports, *ports}))
    )


@_lower.register
def _volume(volume: ins.Volume, stage: _Stage) -> None:
    paths = [stage.expand(path, volume.place) for path in volume.paths]
    if "" in paths:
        raise DockerfileError("VOLUME specified can not be an empty string", volume.place)
    volumes = tuple(sorted({*stage.config.volumes, *paths}))
    stage.commit(volume.place, f"VOLUME [{' '.join(paths)}]", volumes=volumes)


@_lower.register
def _stop_signal(one: ins.StopSignal, stage: _Stage) -> None:
    signal = stage.expand(one.signal, one.place)
    try:
        check_signal(signal)
    except ValueError as error:
        raise DockerfileError(str(error), one.place) from None
    stage.commit(one.place, f"STOPSIGNAL {signal}", stop_signal=signal)


@_lower.register
def _maintainer(maintainer: ins.Maintainer, stage: _Stage) -> None:
    stage.commit(maintainer.place, f"MAINTAINER {maintainer.name}", author=maintainer.name)


@_lower.register
def _onbuild(onbuild: ins.Onbuild, stage: _Stage) -> None:
    stage.config = replace(stage.config, onbuild=(*stage.config.onbuild, onbuild.trigger))
    stage.steps.append(Configure(onbuild.place, stage.config))


@_lower.register
def _healthcheck(healthcheck: ins.Healthcheck, stage: _Stage) -> None:
    stage.commit(healthcheck.place, health_text(healthcheck.check), healthcheck=healthcheck.check)


@_lower.register
def _run(run: ins.Run, stage: _Stage) -> None:
    entitlements.check(run.network, run.security, stage.plan.options.allow, run.place)
    args, documents = _command_line(run, stage)
    mounts = [_mount(mount, run.place, stage) for mount in run.mounts]
    env = dict(stage.config.env)
    seen = {key: value for key, value in stage.scope.items() if env.get(key) != value}
    step = RunStep(run.place, args, seen, _proxies(stage), (*documents, *mounts), run.network, run.security)
    stage.steps.append(step)
    stage.commit(run.place, ran(args, stage.args, stage.scope), empty=False)


def _command_line(run: ins.Run, stage: _Stage) -> tuple[tuple[str, ...], tuple[MountStep, ...]]:
    """The process to start. A lone heredoc is the script itself; one with a `#!` becomes a program of its own."""
    command = run.command
    if not command.heredocs:
        return _with_shell(command, stage), ()
    line, first = command.words[0], command.heredocs[0]
    if parse_heredoc(line) is None:
        texts = [line, *(f"{doc.raw}{doc.name}" for doc in command.heredocs)]
        return _with_shell(replace(command, words=("\n".join(texts),)), stage), ()
    if first.text.startswith("#!"):
        tree = Inline(((first.name, first.text),), 0o755)
        program = replace(command, words=(f"/dev/pipes/{first.name}",))
        # With a slash: a Dagger engine shows only those mounts below /dev that are named so.
        return _with_shell(program, stage), (MountStep("bind", "/dev/pipes/", tree, read_only=True),)
    return _with_shell(replace(command, words=(first.text,)), stage), ()


def _mount(mount: ins.Mount, place: Place, stage: _Stage) -> MountStep:
    try:
        return read_mount(
            mount.fields,
            lambda word: stage.expand(word, place),
            lambda name: stage.find(name, place),
            stage.config.workdir,
        )
    except ValueError as error:
        raise DockerfileError(str(error), place) from None


def _proxies(stage: _Stage) -> Mapping[str, str]:
    """Proxy build args reach every RUN in both spellings, without an ARG, and no cache depends on them."""
    given = stage.plan.options.build_args
    found = {key.lower(): given[key] for key in sorted(given) if key.lower() in PROXIES}
    both = {spelling: value for key, value in found.items() for spelling in (key.upper(), key)}
    return {key: value for key, value in both.items() if key not in stage.scope}


@_lower.register
def _copy(copy: ins.Copy, stage: _Stage) -> None:
    def word(text: str) -> str:
        return stage.expand(text, copy.place)

    expanded = replace(
        copy,
        sources=tuple(map(word, copy.sources)),
        dest=word(copy.dest),
        chown=word(copy.chown),
        chmod=word(copy.chmod),
        checksum=word(copy.checksum),
        exclude=tuple(map(word, copy.exclude)),
    )
    items = copy_items(expanded, stage.scope, lambda name: stage.find(name, copy.place))
    dest = destination(stage.config.workdir, expanded.dest)
    step = CopyStep(copy.place, items, dest, expanded.chown, expanded.chmod, expanded.exclude, copy.link)
    stage.steps.append(step)
    stage.commit(copy.place, copied(expanded), empty=False)
