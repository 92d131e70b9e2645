"""One parsed line → one typed instruction, with BuildKit's rules and words for what is wrong with it.

Source: BuildKit frontend/dockerfile/instructions/parse.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from e2b_dockerfile_utils import DockerfileHeredoc, DockerfileInstruction, chomp_heredoc_content, parse_heredoc

from baselard.dockerfile.syntax import instructions as ins
from baselard.dockerfile.syntax.errors import DockerfileError, Place
from baselard.dockerfile.syntax.flags import BOOL, LIST, STRING, Flags, parse_flags, split_fields
from baselard.oci import durations
from baselard.oci.image_config import NO_HEALTHCHECK, Healthcheck

STAGE_NAME = re.compile(r"[a-z][a-z0-9-_.]*")
COPY_FLAGS = {
    "from": STRING,
    "chown": STRING,
    "chmod": STRING,
    "link": BOOL,
    "parents": BOOL,
    "exclude": LIST,
}
ADD_FLAGS = {
    "chown": STRING,
    "chmod": STRING,
    "link": BOOL,
    "keep-git-dir": BOOL,
    "checksum": STRING,
    "exclude": LIST,
    "unpack": BOOL,
}
INTERVALS = ("interval", "timeout", "start-period", "start-interval")
# Docker's limit (container.MinimumDuration), in nanoseconds: a shorter check would only burn the processor.
SHORTEST_INTERVAL = 1_000_000
HEALTH_FLAGS = dict.fromkeys((*INTERVALS, "retries"), STRING)
RUN_FLAGS = {"mount": LIST, "network": STRING, "security": STRING}


def instruction(node: DockerfileInstruction, place: Place) -> ins.Instruction:
    """One parsed line as a typed instruction."""
    known, build = PARSERS[node.name]
    try:
        return build(node, parse_flags(node.flags, known), place)
    except ValueError as error:
        raise DockerfileError(str(error), place) from None


def _command(node: DockerfileInstruction, args: list[str] | None = None) -> ins.Command:
    words = tuple(node.args if args is None else args)
    return ins.Command(words, not node.json, tuple(map(_heredoc, node.heredocs)))


def _heredoc(doc: DockerfileHeredoc) -> ins.Heredoc:
    text = chomp_heredoc_content(doc.content) if doc.chomp else doc.content
    return ins.Heredoc(doc.name, doc.content, text, doc.expand)


def _needs(node: DockerfileInstruction, exactly_one: bool = False) -> list[str]:
    if exactly_one and len(node.args) != 1:
        raise ValueError(f"{node.name} requires exactly one argument")
    if not node.args:
        raise ValueError(f"{node.name} requires at least one argument")
    return node.args


def _from(node: DockerfileInstruction, flags: Flags, place: Place) -> ins.Stage:
    args = node.args
    named = len(args) == 3 and args[1].lower() == "as"
    if len(args) != 1 and not named:
        raise ValueError("FROM requires either one or three arguments")
    name = args[2].lower() if named else ""
    if named and not STAGE_NAME.fullmatch(name):
        raise ValueError(
            f'invalid name for build stage: "{args[2]}", name can\'t start with a number or contain symbols'
        )
    return ins.Stage(place, args[0], name, flags.text("platform"), ())


def _pairs(node: DockerfileInstruction) -> tuple[ins.KeyValue, ...]:
    args = _needs(node)
    if any(not key for key in args[::3]):
        raise ValueError(f"{node.name} names can not be blank")
    return tuple(ins.KeyValue(key, value) for key, value in zip(args[::3], args[1::3], strict=True))


def _env(node: DockerfileInstruction, _flags: Flags, place: Place) -> ins.Env:
    return ins.Env(place, _pairs(node))


def _label(node: DockerfileInstruction, _flags: Flags, place: Place) -> ins.Label:
    return ins.Label(place, _pairs(node))


def _arg(node: DockerfileInstruction, _flags: Flags, place: Place) -> ins.Arg:
    return ins.Arg(place, tuple(map(_optional_pair, _needs(node))))


def _optional_pair(word: str) -> ins.KeyValue:
    key, has_value, value = word.partition("=")
    if not key:
        raise ValueError("ARG names can not be blank")
    return ins.KeyValue(key, value if has_value else None)


def _run(node: DockerfileInstruction, flags: Flags, place: Place) -> ins.Run:
    network = flags.text("network") if "network" in flags.values else "default"
    security = flags.text("security") if "security" in flags.values else "sandbox"
    if network not in ("default", "none", "host"):
        raise ValueError(f'unsupported network mode "{network}"')
    if security not in ("sandbox", "insecure"):
        raise ValueError(f'unsupported security mode "{security}"')
    return ins.Run(place, _command(node), tuple(map(_mount, flags.all("mount"))), network, security)


def _mount(text: str) -> ins.Mount:
    fields = split_fields(text)
    source = next((value or "" for key, value in fields if key == "from"), "")
    if re.search(r"\$.", source):
        raise ValueError("'from' doesn't support variable expansion, define alias stage instead")
    return ins.Mount(fields, source)


def _copy(node: DockerfileInstruction, flags: Flags, place: Place) -> ins.Copy:
    words = node.args if node.json else " ".join(node.args).split()
    if len(words) < 2:
        raise ValueError(
            f"{node.name} requires at least two arguments, but only {'one was' if words else 'none were'} provided. "
            "Destination could not be determined"
        )
    if not node.json and parse_heredoc(words[-1]):
        raise ValueError(f"{node.name} cannot accept a heredoc as a destination")
    documents = {doc.name: _heredoc(doc) for doc in node.heredocs}
    names = {word: parse_heredoc(word) for word in words[:-1]} if documents else {}
    heredocs = [documents[doc.name] for word in words[:-1] if (doc := names.get(word))]
    sources = tuple(word for word in words[:-1] if not names.get(word))
    if "$" in flags.text("from"):
        raise ValueError(
            "variable expansion is not supported for --from, "
            "define a new stage with FROM using ARG from global scope as a workaround"
        )
    return _checked_checksum(
        ins.Copy(
            place,
            sources,
            tuple(heredocs),
            words[-1],
            add=node.name == "ADD",
            source_stage=flags.text("from"),
            chown=flags.text("chown"),
            chmod=flags.text("chmod"),
            link=flags.on("link"),
            parents=flags.on("parents"),
            exclude=flags.all("exclude"),
            keep_git_dir=flags.maybe("keep-git-dir"),
            checksum=flags.text("checksum"),
            unpack=flags.maybe("unpack"),
        )
    )


def _checked_checksum(copy: ins.Copy) -> ins.Copy:
    if copy.checksum and len(copy.sources) != 1:
        raise ValueError("checksum can't be specified for multiple sources")
    return copy


def _workdir(node: DockerfileInstruction, _flags: Flags, place: Place) -> ins.Workdir:
    return ins.Workdir(place, _needs(node, exactly_one=True)[0])


def _user(node: DockerfileInstruction, _flags: Flags, place: Place) -> ins.User:
    return ins.User(place, _needs(node, exactly_one=True)[0])


def _cmd(node: DockerfileInstruction, _flags: Flags, place: Place) -> ins.Cmd:
    return ins.Cmd(place, _command(node))


def _entrypoint(node: DockerfileInstruction, _flags: Flags, place: Place) -> ins.Entrypoint:
    return ins.Entrypoint(place, _command(node))


def _shell(node: DockerfileInstruction, _flags: Flags, place: Place) -> ins.Shell:
    if not node.args:
        raise ValueError("SHELL requires at least one argument")
    if not node.json:
        raise ValueError("SHELL requires the arguments to be in JSON form")
    return ins.Shell(place, tuple(node.args))


def _expose(node: DockerfileInstruction, _flags: Flags, place: Place) -> ins.Expose:
    return ins.Expose(place, tuple(sorted(_needs(node))))


def _volume(node: DockerfileInstruction, _flags: Flags, place: Place) -> ins.Volume:
    paths = tuple(path.strip() for path in _needs(node))
    if "" in paths:
        raise ValueError("VOLUME specified can not be an empty string")
    return ins.Volume(place, paths)


def _stop_signal(node: DockerfileInstruction, _flags: Flags, place: Place) -> ins.StopSignal:
    return ins.StopSignal(place, _needs(node, exactly_one=True)[0])


def _maintainer(node: DockerfileInstruction, _flags: Flags, place: Place) -> ins.Maintainer:
    return ins.Maintainer(place, _needs(node, exactly_one=True)[0])


def _onbuild(node: DockerfileInstruction, _flags: Flags, place: Place) -> ins.Onbuild:
    trigger = re.sub(r"(?i)^\s*ONBUILD\s*", "", node.original)
    if not trigger:
        raise ValueError("ONBUILD requires at least one argument")
    first = trigger.split()[0].upper()
    if first == "ONBUILD":
        raise ValueError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if first in ("MAINTAINER", "FROM"):
        raise ValueError(f"{first} isn't allowed as an ONBUILD trigger")
    return ins.Onbuild(place, trigger)


def _healthcheck(node: DockerfileInstruction, flags: Flags, place: Place) -> ins.Healthcheck:
    kind, *args = _needs(node)
    if kind.upper() == "NONE":
        if args:
            raise ValueError("HEALTHCHECK NONE takes no arguments")
        return ins.Healthcheck(place, Healthcheck(NO_HEALTHCHECK))
    if kind.upper() != "CMD":
        raise ValueError(f'Unknown type "{kind.upper()}" in HEALTHCHECK (try CMD)')
    if not args:
        raise ValueError("Missing command after HEALTHCHECK CMD")
    times = {name.replace("-", "_"): _interval(name, flags.text(name)) for name in INTERVALS}
    test = ("CMD" if node.json else "CMD-SHELL", *args)
    return ins.Healthcheck(place, Healthcheck(test, retries=_retries(flags.text("retries")), **times))


def _interval(name: str, text: str) -> int:
    """Nanoseconds: 0 when not given, else at least one millisecond."""
    duration = durations.parse(text) if text else 0
    if duration and duration < SHORTEST_INTERVAL:
        raise ValueError(f'Interval "{name}" cannot be less than 1ms')
    return duration


def _retries(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,9}|", text):
        raise ValueError(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    if int(text or 0) < 0:
        raise ValueError(f"--retries cannot be negative ({text})")
    return int(text or 0)


Builder = Callable[[DockerfileInstruction, Flags, Place], ins.Instruction]
PARSERS: Mapping[str, tuple[Mapping[str, str], Builder]] = {
    "ADD": (ADD_FLAGS, _copy),
    "ARG": ({}, _arg),
    "CMD": ({}, _cmd),
    "COPY": (COPY_FLAGS, _copy),
    "ENTRYPOINT": ({}, _entrypoint),
    "ENV": ({}, _env),
    "EXPOSE": ({}, _expose),
    "FROM": ({"platform": STRING}, _from),
    "HEALTHCHECK": (HEALTH_FLAGS, _healthcheck),
    "LABEL": ({}, _label),
    "MAINTAINER": ({}, _maintainer),
    "ONBUILD": ({}, _onbuild),
    "RUN": (RUN_FLAGS, _run),
    "SHELL": ({}, _shell),
    "STOPSIGNAL": ({}, _stop_signal),
    "USER": ({}, _user),
    "VOLUME": ({}, _volume),
    "WORKDIR": ({}, _workdir),
}
