"""Gets everything ready that a container sees: its root file system, mounts, user, network and surroundings.

Shared by the exec operation and by services; whatever was made is given back when the block ends.
"""

import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from baselard.engine.errors import UserError
from baselard.engine.host import platforms
from baselard.engine.run import mounts, nested
from baselard.engine.run.containers import cgroups, host, kernel_places, runtime, stubs, users
from baselard.engine.run.containers.command import Command, Net
from baselard.engine.run.containers.host import Lent
from baselard.engine.run.containers.own_files import Inside
from baselard.engine.run.containers.runtime_spec import INIT_TARGET, Spec, SpecMount
from baselard.engine.run.containers.stubs import Touched
from baselard.engine.run.containers.users import User
from baselard.engine.run.mounts import Mounted
from baselard.engine.run.nested import Piece
from baselard.engine.run.networks import forward, namespaces, network, redirect
from baselard.engine.run.networks.namespaces import Namespace
from baselard.engine.run.worker import Worker
from baselard.engine.solver.graph import Value
from baselard.engine.store import ids
from baselard.engine.store.database import Snapshot
from baselard.engine.store.snapshots import Draft

HOSTNAME = "baselard"
_DNS = 53
_NAMES = 2  # hosts and resolver come first: a mount over /etc hides them, as in BuildKit


@dataclass(frozen=True)
class Sandbox:
    """A container ready to run. ``secrets`` are the texts that its streams must not show.

    ``inside`` is what its programs are to the session; it has to be told what is about to run. ``mounts`` are all that
    it sees, of which ``pieces`` hold some: they have to be ``assembled`` while it runs.
    """

    spec: Spec
    rootfs: Draft
    mounted: tuple[Mounted, ...]
    namespace: Namespace
    secrets: tuple[bytes, ...]
    inside: Inside
    mounts: tuple[SpecMount, ...]
    pieces: tuple[Piece, ...]

    @property
    def drafts(self) -> list[Draft]:
        """The root file system's draft and those of the writable mounts, in order."""
        return [self.rootfs, *(mounted.draft for mounted in self.mounted if mounted.draft)]

    @property
    def written(self) -> list[Path]:
        """The directories on the disk that its programs can make larger: the drafts' own, and cache volumes."""
        volumes = [one.source for one in self.mounted if one.source and not one.draft and "rw" in one.spec.options]
        return [*(draft.upper for draft in self.drafts), *volumes]

    def locate(self, path: str) -> tuple[Path, str]:
        """The tree that holds what the container sees at ``path``, and its path in it (for files/inside.py)."""
        tree, inside = _holder(self.spec.rootfs, self.mounted, path)
        return (tree, inside) if tree.is_dir() else (tree.parent, f"/{tree.name}")  # a mounted file

    @contextlib.contextmanager
    def assembled(self) -> Iterator[None]:
        """Have the pieces in place inside the block. Raises UserError where a file stands in the way of a mount."""
        with ExitStack() as stack:
            for piece in self.pieces:
                stack.enter_context(piece.assembled())
            yield

    @contextlib.contextmanager
    def stubs_removed(self) -> Iterator[Touched]:
        """Assembled; no mount points stay behind in the root file system, nor in a mount that others are mounted over.

        Afterwards the value tells which directories ``runtime_stubs.prune`` shall look at.
        """
        touched: Touched = {}
        targets: dict[Path, list[str]] = {self.spec.rootfs: ["/proc", "/dev", "/sys", INIT_TARGET]}
        earlier: list[Mounted] = []
        for mount in self.mounts:
            root, inside = _holder(self.spec.rootfs, earlier, mount.target)
            targets.setdefault(root, []).append(inside)
            earlier += [one for one in self.mounted if one.spec is mount]
        # A cache volume may be another container's too, which may have something mounted there.
        own = [self.spec.rootfs, *(one.source for one in self.mounted if one.draft)]
        with ExitStack() as stack:
            for root, inside_targets in targets.items():
                if root in own and root.is_dir():
                    touched |= stack.enter_context(stubs.cleaned(root, inside_targets))
            stack.enter_context(self.assembled())
            yield touched


@contextlib.contextmanager
def prepared(worker: Worker, command: Command, inputs: Sequence[Value]) -> Iterator[Sandbox]:
    """Prepare ``command``; ``inputs`` are the values of ``command.inputs``.

    Raises UserError for a user, path or secret that is not there, HostError for what this machine lacks.
    """
    platforms.require(command.platform)
    cgroups.expect()
    with ExitStack() as stack:
        rootfs = stack.enter_context(worker.snapshots.draft(_snapshot(inputs[0])))
        kernel_places.check(rootfs.path, (mount.target for mount in command.mounts))
        directory = stack.enter_context(_directory(worker))
        user = _user(rootfs.path, command.user)
        secrets = {ref.handle: worker.secrets.plaintext(ref.handle) for ref in command.secrets}
        context = mounts.MountContext(worker, directory, rootfs.path, secrets, stack)
        mounted = mounts.mount_all(context, command, inputs[1:])
        names = stack.enter_context(_services(worker, command, inputs))
        namespace = stack.enter_context(_network(worker, command))
        if command.network is Net.CONTAINERS:
            stack.enter_context(_loopback(worker, namespace))
        own = Inside(namespace.path, command.cwd or "/", dict(command.env).get("HOME", "/root"))
        session = stack.enter_context(_nested(worker, namespace, own)) if command.nesting else {}
        lent = worker.host.lend(
            rootfs.path, worker.runtime.run_dir.in_memory, stack.enter_context(_redirector(worker, namespace))
        )
        surroundings = _surroundings(lent, directory)
        aliases = {binding.alias: names[binding.alias] for binding in command.bindings}
        hosts = network.Hosts(directory / "hosts", command.hostname or HOSTNAME, aliases)
        stack.enter_context(worker.services.announced(hosts.write))
        seen = [*surroundings[:_NAMES], *(one.spec for one in mounted), *surroundings[_NAMES:]]
        outer, pieces = nested.arranged(rootfs.path, seen, mounts.shared(command, mounted), directory)
        spec = Spec(
            rootfs=rootfs.path,
            args=command.args,
            env={**_environment(worker, command, secrets, lent, names), **session},
            network="" if command.network is Net.HOST else namespace.path,
            cwd=command.cwd or "/",
            user=user,
            mounts=outer,
            hostname=command.hostname or HOSTNAME,
            init="" if command.no_init else runtime.init_program(),
            insecure=command.insecure,
            limits=worker.host.limits,
        )
        yield Sandbox(spec, rootfs, tuple(mounted), namespace, tuple(secrets.values()), own, tuple(seen), tuple(pieces))


@contextlib.contextmanager
def _network(worker: Worker, command: Command) -> Iterator[Namespace]:
    """The network namespace that the command runs in."""
    if command.network is Net.CONTAINERS:
        with worker.network.lease(reuse=not command.insecure) as namespace:
            yield namespace
        return
    namespace = namespaces.own() if command.network is Net.HOST else namespaces.create("none")
    try:
        yield namespace
    finally:
        namespace.close()


def _services(
    worker: Worker, command: Command, inputs: Sequence[Value]
) -> contextlib.AbstractContextManager[Mapping[str, str]]:
    values = {output.key: value for output, value in zip(command.inputs, inputs, strict=True)}
    return worker.services.bound(worker, command.bindings, values)


@contextlib.contextmanager
def _directory(worker: Worker) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=worker.runtime.run_dir.in_memory, prefix="exec-") as name:
        path = Path(name)
        path.chmod(0o711)
        yield path


def _snapshot(value: Value) -> Snapshot | None:
    return value.tree if isinstance(value.tree, Snapshot) else None


def _user(rootfs: Path, text: str) -> User:
    passwd, group = (users.read(rootfs, name) for name in ("etc/passwd", "etc/group"))
    found = users.resolve(text, passwd, group)
    if reason := ids.missing(found.uid, found.gid):
        raise UserError(f"the command cannot run as {text}: {reason}")
    return found


def _surroundings(lent: Lent | None, directory: Path) -> list[SpecMount]:
    """What every container sees of the outside: hosts, resolver, and what this machine lends."""
    (directory / "resolv.conf").write_text(network.resolv_conf())
    shown = {"/etc/hosts": directory / "hosts", "/etc/resolv.conf": directory / "resolv.conf"}
    if lent:
        shown[host.TARGET] = lent.directory
    options = ("rbind", "rprivate", "ro", "nosuid", "nodev", "noexec")
    return [SpecMount(target, str(source), options=options) for target, source in shown.items()]


@contextlib.contextmanager
def _redirector(worker: Worker, namespace: Namespace) -> Iterator[int]:
    """Where the container's apt is redirected to this machine's mirror: a port on its loopback, 0 without a mirror."""
    if not worker.host.redirects:
        yield 0
        return
    listener = namespaces.inside(namespace, lambda: socket.create_server(("127.0.0.1", 0)))
    with listener, redirect.served(listener, worker.host.redirects):
        yield listener.getsockname()[1]


@contextlib.contextmanager
def _loopback(worker: Worker, namespace: Namespace) -> Iterator[None]:
    """Have the container's loopback lead to this machine's where its resolvers or proxies listen on that alone."""
    servers = [server for server in network.resolvers(network.resolv_conf()) if network.is_loopback(server)]
    wanted = [(server, _DNS, udp) for server in servers for udp in (False, True)]
    wanted += [("127.0.0.1", port, False) for port in worker.host.loopback_ports]
    with ExitStack() as stack:
        for address, port, udp in wanted:
            listen = partial(forward.listener, address, port, udp=udp)
            own = stack.enter_context(namespaces.inside(namespace, listen))
            stack.enter_context(forward.lead(own, address, port))
        yield


@contextlib.contextmanager
def _nested(worker: Worker, namespace: Namespace, own: Inside) -> Iterator[dict[str, str]]:
    """Let the program reach the session, which listens on this machine's loopback, on its own loopback."""
    if not worker.session:
        raise UserError("experimentalPrivilegedNesting: there is no session to reach")
    port = worker.session.port
    listener = namespaces.inside(namespace, lambda: socket.create_server(("127.0.0.1", port)))
    with (
        listener,
        forward.tcp(listener, forward.to_port("127.0.0.1", port)),
        worker.session.entered(own) as token,
    ):
        yield {"DAGGER_SESSION_PORT": str(port), "DAGGER_SESSION_TOKEN": token}


def _environment(
    worker: Worker, command: Command, secrets: Mapping[str, bytes], lent: Lent | None, names: Mapping[str, str]
) -> dict[str, str]:
    secret = {name: os.fsdecode(secrets[ref.handle]) for name, ref in command.secret_env}
    if wrong := [name for name, value in secret.items() if "\0" in value]:
        raise UserError(f"the secret for {wrong[0]} holds a NUL byte, which no variable can; mount it as a file")
    own = {**dict(command.env), **dict(command.volatile_env), **secret}
    return {**worker.host.for_exec(list(own.items()), lent, names), **own}


def _holder(rootfs: Path, mounted: Sequence[Mounted], path: str) -> tuple[Path, str]:
    """The tree that holds ``path`` of the container (the root file system or a mount's), and the path in it."""
    best, inside = rootfs, path
    longest = 0
    for one in mounted:
        target = one.spec.target.rstrip("/")
        if one.source and len(target) > longest and (path == target or path.startswith(target + "/")):
            best, inside, longest = one.source, path[len(target) :] or "/", len(target)
    return best, inside
