"""Programs in real containers: streams, users, mounts, secrets, what stays and what goes."""

import contextlib
import contextvars
import os
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from baselard.engine.errors import ExecError, HostError, UserError
from baselard.engine.host import process
from baselard.engine.ops.exec import Expect
from baselard.engine.run import mounts
from baselard.engine.run.containers.command import (
    BindMount,
    CacheMount,
    CacheSharing,
    SecretMount,
    SecretRef,
    SocketMount,
    TmpfsMount,
)
from baselard.engine.run.containers.host import CA_TARGET, HostEnvironment
from baselard.engine.run.containers.limits import Limits
from baselard.engine.run.worker import SessionAddress
from baselard.engine.solver import cancel
from baselard.engine.solver.graph import Value
from baselard.engine.store import ids
from baselard.oci.platforms import Platform
from tests import alone

pytestmark = pytest.mark.root


def test_streams_are_kept_apart_together_and_shown(run, worker):
    heard = []

    def hear(_key: str, _stream: int, data: bytes) -> None:
        heard.append(data)
        (mounts.cache_path(worker.store.root, "heard") / "data" / data.decode().strip()).touch()

    worker.progress.output = hear  # what is written while nobody reads comes in one piece for each stream
    wait = "until [ -e /heard/%s ]; do sleep 0.01; done"
    line = f"echo out; {wait % 'out'}; echo err >&2; {wait % 'err'}; echo more"
    ran = run(line, mounts=(CacheMount("/heard", "heard", CacheSharing.SHARED),))
    assert (ran.stdout, ran.stream("stderr"), ran.stream("combined")) == ("out\nmore\n", "err\n", "out\nerr\nmore\n")
    assert heard == [b"out\n", b"err\n", b"more\n"]


def test_a_failure_tells_the_command_the_code_and_both_streams(run):
    with pytest.raises(ExecError) as caught:
        run("echo why; echo because >&2; exit 3")
    error = caught.value
    assert (str(error), error.exit_code, error.stdout, error.stderr) == ("exit code: 3", 3, "why\n", "because\n")
    assert error.cmd[:2] == ("sh", "-c")


@pytest.mark.parametrize(
    ("expect", "code", "passes"),
    [
        (Expect.SUCCESS, 0, True),
        (Expect.SUCCESS, 1, False),
        (Expect.FAILURE, 1, True),
        (Expect.FAILURE, 0, False),
        (Expect.ANY, 0, True),
        (Expect.ANY, 127, True),
        (Expect.ANY, 130, False),
        (Expect.ANY, 192, True),
        (Expect.FAILURE, 191, False),
    ],
)
def test_expected_codes(run, expect, code, passes):
    if passes:
        assert run(f"exit {code}", expect=expect).code == code
    else:
        with pytest.raises(ExecError):
            run(f"exit {code}", expect=expect)


def test_a_program_that_is_not_there_is_an_exit_code(run):
    with pytest.raises(ExecError) as caught:
        run(("nothing-like-it",))
    assert caught.value.exit_code == 1  # as on a Dagger engine
    with pytest.raises(UserError, match="executable file not found"):
        run(("nothing-like-it",), no_init=True)


def test_writing_nothing_leaves_the_very_value(run, busybox):
    ran = run("cat /etc/hosts /etc/resolv.conf; ls /proc /sys /dev /.init")
    assert ran.result.values == (busybox,)


def test_mount_points_leave_no_trace_beside_what_was_written(run, worker):
    ran = run("echo kept > /etc/kept")
    assert ran.files().keys() == {"bin", "bin/busybox", "etc", "etc/passwd", "etc/group", "etc/kept"}
    upper = worker.store.layer_path(ran.result.values[0].tree)
    assert [name for _, _, names in os.walk(upper) for name in names] == ["kept"]
    assert [path.name for path in upper.iterdir()] == ["etc"]


def test_what_a_program_puts_where_a_mount_point_was_stays(run):
    ran = run("mkdir -p /mnt/here && echo x > /mnt/here/../beside", mounts=(TmpfsMount("/mnt/here"),))
    assert ran.files()["mnt/beside"] == b"x\n"
    assert "mnt/here" not in ran.files()


def test_directory_times_survive_a_run(run, worker, busybox):
    with worker.snapshots.view(busybox.tree) as root:
        before = (root / "etc").stat().st_mtime_ns
    after = run("echo x > /new").result.values[0]
    with worker.snapshots.view(after.tree) as root:
        assert (root / "etc").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("user", "shown"),
    [
        ("", "0 0 0"),
        ("builder", "1000 1000 1000 77"),
        ("1000", "1000 1000 1000 77"),
        ("builder:tools", "1000 77 77"),
        ("4242", "4242 0 0"),
        ("4242:4343", "4242 4343 4343"),
    ],
)
def test_users(run, user, shown):
    uid, gid, groups = run("id -u; id -g; id -G", user=user).stdout.splitlines()
    assert f"{uid} {gid} {groups}" == shown


def test_an_unknown_user_is_named(run):
    with pytest.raises(UserError, match="unable to find user nobody: no matching entries in passwd file"):
        run("true", user="nobody")


def test_the_home_and_path_and_working_directory(run):
    ran = run("echo $HOME $PATH; pwd", user="builder", cwd="/made/on/demand")
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert ran.stdout == f"/home/b {path}\n/made/on/demand\n"
    assert "made/on/demand" in ran.files()


def test_capabilities_are_dockers_and_nothing_is_writable_in_proc(run):
    ran = run(
        "cat /proc/self/status; echo 1 > /proc/sys/kernel/panic || echo refused; mkdir /m; mount -t tmpfs m /m || true"
    )
    status = dict(line.split(":\t", 1) for line in ran.stdout.splitlines() if ":\t" in line)
    assert int(status["CapEff"], 16) & ~0xA80425FB == 0
    assert status["Seccomp"] == "2"
    assert "refused" in ran.stdout
    assert run("cat /proc/self/status", insecure=True).stdout.split("Seccomp:\t")[1][0] == "0"


def test_process_one_reaps_and_namespaces_are_own(run):
    talk = "nc -l -p 80 127.0.0.1 & until echo hi | nc 127.0.0.1 80; do sleep 0.01; done"
    ran = run(f"ps; ls /proc | head -1; {talk}; cat /proc/1/comm")
    assert "/.init -p SIGKILL -- sh" in ran.stdout
    assert ran.stdout.endswith("tini-static\n") or ran.stdout.endswith(".init\n")
    assert "PID" in run("ps", no_init=True).stdout


def test_standard_input_and_redirects(run):
    ran = run(
        "cat; echo oops >&2",
        stdin="from the call\n",
        redirect_stdout="/etc/out",
        redirect_stderr="/err",
        user="builder",
    )
    assert (ran.files()["etc/out"], ran.files()["err"]) == (b"from the call\n", b"oops\n")
    assert ran.stdout == "from the call\n"
    with ran.worker.snapshots.view(ran.result.values[0].tree) as root:
        status = (root / "err").stat()
        assert (status.st_mode & 0o777, status.st_uid, status.st_gid) == (0o600, 1000, 1000)
    assert run(("cat",), redirect_stdin="/etc/group").stdout.startswith("root:x:0:")


def test_redirects_that_lead_nowhere(run):
    with pytest.raises(UserError, match="redirectStdin: /not/there is not a file"):
        run(("cat",), redirect_stdin="/not/there")
    with pytest.raises(UserError, match="/not/there cannot be written"):
        run("echo x", redirect_stdout="/not/there")


def test_a_link_does_not_lead_a_redirect_out_of_the_container(run, tmp_path):
    target = tmp_path / "victim"
    target.write_text("mine")
    ran = run(f"ln -s {target} /link 2>/dev/null || busybox ln -s {target} /link; mkdir -p {tmp_path}; echo x")
    assert target.read_text() == "mine"
    ran = run(
        f"busybox mkdir -p {tmp_path}; busybox ln -s {target} /link; echo x",
        redirect_stdout="/link",
    )
    assert target.read_text() == "mine"
    assert ran.files()[str(target)[1:]] == b"x\n"


def test_writable_mounts_become_outputs(run, output, worker, busybox):
    made = run("mkdir /tree && echo one > /tree/one").result.values[0]
    ran = run(
        "echo two > /src/two; rm /src/one; ls /fixed; ! touch /fixed/x 2>/dev/null",
        mounts=(BindMount("/src", output(made), "/tree"), BindMount("/fixed", output(made), "/tree", readonly=True)),
    )
    assert len(ran.result.values) == 2
    assert ran.result.values[0] == busybox
    assert ran.stdout == "one\n"
    assert (ran.files(1).get("tree/two"), "tree/one" in ran.files(1)) == (b"two\n", False)


def test_an_empty_output_can_be_mounted(run, output):
    ran = run("echo x > /src/x", mounts=(BindMount("/src", output(Value("empty"))),))
    assert ran.files(1) == {"x": b"x\n"}


def test_a_single_file_can_be_mounted(run, output, busybox):
    ran = run("echo more >> /passwd; cat /passwd", mounts=(BindMount("/passwd", output(busybox), "/etc/passwd"),))
    assert ran.stdout.endswith("more\n")
    assert "passwd" not in ran.files()
    assert ran.files(1)["etc/passwd"].endswith(b"more\n")


def test_a_mount_over_another_leaves_no_mount_point_in_it(run, output):
    ran = run("echo x > /src/x", mounts=(BindMount("/src", output(Value("empty"))), TmpfsMount("/src/deep/tmp")))
    assert ran.files(1) == {"x": b"x\n"}


def test_a_missing_mount_source_is_named(run, output, busybox):
    with pytest.raises(UserError, match="/nowhere cannot be mounted at /x"):
        run("true", mounts=(BindMount("/x", output(busybox), "/nowhere"),))


def test_a_cache_keeps_what_programs_leave(run, worker):
    cache = CacheMount("/cache", "kept")
    run("echo 1 > /cache/n", mounts=(cache,))
    assert run("cat /cache/n", mounts=(replace(cache, target="/elsewhere"), cache)).stdout == "1\n"
    assert run("ls /cache", mounts=(replace(cache, volume="other"),)).stdout == ""


def test_a_new_cache_begins_with_its_source_and_owner(run, output, busybox):
    cache = CacheMount("/cache", "seeded", source=output(busybox), subpath="/etc", owner="builder")
    line = "stat -c '%u:%g' /cache /cache/passwd; rm /cache/group"
    assert run(line, mounts=(cache,)).stdout == "1000:1000\n" * 2
    assert run("ls /cache", mounts=(cache,)).stdout == "passwd\n"


@pytest.mark.parametrize("sharing", [CacheSharing.LOCKED, CacheSharing.PRIVATE])
def test_locked_caches_are_one_containers_at_a_time(run, sharing):
    cache = CacheMount("/cache", f"alone-{sharing}", sharing)
    line = "mkdir /cache/taken || exit 1; sleep 0.2; busybox rmdir /cache/taken"
    errors = []

    def body() -> None:
        try:
            run(line, mounts=(cache,))
        except ExecError as error:
            errors.append(error)

    threads = [threading.Thread(target=body) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_tmpfs_has_its_size_and_leaves_nothing(run, busybox):
    line = "dd if=/dev/zero of=/t/x bs=1k count=2048 2>/dev/null; stat -c %s /t/x"
    ran = run(line, mounts=(TmpfsMount("/t", 1 << 20),))
    assert int(ran.stdout) == 1 << 20
    assert ran.result.values == (busybox,)


def test_secrets_are_there_and_nowhere_else(run, worker, busybox):
    worker.secrets.known.update({"token": b"s3cr3t-token", "file": b"line one\nline two\n"})
    mount = SecretMount("/run/secrets/f", SecretRef("f", "file"), "builder", 0o440)
    ran = run(
        "stat -c '%a %u' /run/secrets/f; cat /run/secrets/f; echo in s3cr3t-; echo $TOKEN; echo $TOKEN >&2; "
        "stat -fc %T /run/secrets/f",
        mounts=(mount,),
        secret_env=(("TOKEN", SecretRef("t", "token")),),
    )
    assert ran.stdout == "440 1000\n***in s3cr3t-\n***\ntmpfs\n"
    assert ran.stream("stderr") == "***\n"
    assert b"s3cr3t-token" not in b"".join(data for _, data in worker.progress.written)
    assert ran.result.values == (busybox,)


def test_a_programs_variables_reach_no_disk(run, worker):
    worker.secrets.known["token"] = b"s3cr3t-token"
    found = []

    def look(*_: object) -> None:
        files = [path for path in worker.runtime.run_dir.path.rglob("*") if path.is_file()]
        holding = [path for path in files if b"s3cr3t-token" in path.read_bytes()]
        found.extend(process.run(["stat", "-fc", "%T", str(path)]).stdout for path in holding)

    worker.progress.output = look
    run("echo up; sleep 0.1", secret_env=(("TOKEN", SecretRef("t", "token")),))
    assert set(found) == {b"tmpfs\n"}


def test_a_redirect_holds_no_secret(run, worker):
    worker.secrets.known["token"] = b"s3cr3t-token"
    ran = run("echo $TOKEN", secret_env=(("TOKEN", SecretRef("t", "token")),), redirect_stdout="/out")
    assert ran.files()["out"] == b"***\n"


def test_a_socket_of_the_host(run, tmp_path):
    path = tmp_path / "service.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert run("test -S /s.sock && echo there", mounts=(SocketMount("/s.sock", str(path)),)).stdout == "there\n"
    with pytest.raises(UserError, match="is not a Unix socket"):
        run("true", mounts=(SocketMount("/s.sock", str(tmp_path)),))


def test_the_hosts_settings_are_lent_never_imposed(run, worker, tmp_path):
    (tmp_path / "ca.crt").write_text("-----BEGIN CERTIFICATE-----\nMIIown\n-----END CERTIFICATE-----\n")
    lent = HostEnvironment({"http_proxy": "http://proxy", "PIP_INDEX_URL": "http://pip"}, tmp_path / "ca.crt")
    on = replace(worker, host=lent)
    ran = run("env; cat $SSL_CERT_FILE", on=on, env=(("HTTP_PROXY", "http://own"),))
    assert f"SSL_CERT_FILE={CA_TARGET}" in ran.stdout
    assert "MIIown" in ran.stdout
    assert "PIP_INDEX_URL=http://pip" in ran.stdout
    assert "http_proxy" not in ran.stdout
    assert ran.files().keys() == {"bin", "bin/busybox", "etc", "etc/passwd", "etc/group"}


def test_a_proxy_on_this_machines_loopback_is_reached(run, worker):
    with socket.create_server(("127.0.0.1", 0)) as server:
        proxy = f"http://127.0.0.1:{server.getsockname()[1]}"
        answer = threading.Thread(target=_answer_once, args=(server, b"HTTP/1.0 200 OK\r\n\r\nby proxy"))
        answer.start()
        on = replace(worker, host=HostEnvironment({"http_proxy": proxy}))
        assert run("wget -qO- http://far.example/", on=on).stdout == "by proxy"
        answer.join()


def test_debians_archive_is_redirected_to_the_mirror(run, worker):
    on = replace(worker, host=HostEnvironment(redirects={"http://deb.debian.org/debian": "http://mirror.example/deb"}))
    line = "cat $APT_CONFIG; port=$(busybox sed -n 's/.*1:\\([0-9]*\\).*/\\1/p' $APT_CONFIG); "
    line += "http_proxy=http://127.0.0.1:$port wget -S -O- http://deb.debian.org/debian/dists/x 2>&1 || true"
    ran = run(line, on=on)
    assert 'Acquire::http::Proxy::deb.debian.org "http://127.0.0.1:' in ran.stdout
    assert "Location: http://mirror.example/deb/dists/x" in ran.stdout


def _answer_once(server: socket.socket, text: bytes) -> None:
    with server.accept()[0] as connection:
        connection.sendall(text)


def test_a_nested_program_reaches_the_session_on_its_own_loopback(run, worker):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answer = threading.Thread(target=_answer_once, args=(server, b"the session"))
        answer.start()
        on = replace(worker, session=SessionAddress(port, lambda _: contextlib.nullcontext("a-token")))
        ran = run("echo $DAGGER_SESSION_TOKEN; nc 127.0.0.1 $DAGGER_SESSION_PORT </dev/null", on=on, nesting=True)
        answer.join()
    assert ran.stdout == "a-token\nthe session"
    with pytest.raises(UserError, match="no session"):
        run("true", nesting=True)


def test_foreign_programs_name_what_to_install(run):
    with pytest.raises(HostError, match="qemu-user-static"):
        run("true", platform=Platform("linux", "s390x"))


def test_calling_a_run_off_ends_it_and_leaves_nothing(run, worker):
    off = cancel.Cancellation()
    raised = []

    def body() -> None:
        cancel.enter(off)
        try:
            run("echo begun; sleep 1000")
        except cancel.Cancelled as error:
            raised.append(error)

    begun = threading.Event()
    worker.progress.output = lambda *_: begun.set()
    thread = threading.Thread(target=body)
    thread.start()
    assert begun.wait(10)
    off.cancel()
    thread.join(10)
    assert len(raised) == 1
    assert [path for kind in ("runc", "crun") for path in (worker.runtime.run_dir.path / kind).glob("[!.]*")] == []
    left = [path.name for path in worker.runtime.run_dir.in_memory.iterdir()]
    assert [name for name in left if not name.startswith("lent-")] == []


@alone.LIMITS
def test_calling_a_run_off_while_its_container_is_made_leaves_nothing(run, worker, either_runtime):
    """The runtime is killed as soon as it has made a control group, before it writes down that it has."""
    name = worker.runtime.run_dir.name

    def groups() -> list[str]:
        kinds = [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").glob("[a-z]*/")]
        return [one for kind in kinds for one in os.listdir(kind) if one.startswith(f"baselard-{name}-")]

    def body() -> None:
        cancel.enter(off)
        with pytest.raises(cancel.Cancelled):
            run("sleep 1000")

    for _ in range(5):
        off = cancel.Cancellation()
        thread = threading.Thread(target=contextvars.Context().run, args=(body,))
        thread.start()
        while not groups() and thread.is_alive():
            pass
        off.cancel()
        thread.join()
        assert groups() == []


def test_much_output_is_kept_whole(run, worker):
    worker.progress.output = lambda *_: None
    ran = run("dd if=/dev/zero bs=1M count=64 2>/dev/null")
    assert worker.store.blob_path(ran.result.data["stdout"]).stat().st_size == 64 << 20


@alone.LIMITS
def test_a_limit_holds(run, worker):
    on = replace(worker, host=HostEnvironment(limits=Limits(pids=12)))
    with pytest.raises(ExecError) as caught:
        run("for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do sleep 60 & done; wait", on=on)
    assert "can't fork" in caught.value.stderr


def test_a_limit_of_open_files_holds(run, worker):
    on = replace(worker, host=HostEnvironment(limits=Limits(files=64)))
    assert run("ulimit -n", on=on).stdout == "64\n"


def test_output_without_end_is_ended(run, worker):
    worker.progress.output = lambda *_: None
    on = replace(worker, host=HostEnvironment(limits=Limits(output=10 << 20)))
    with pytest.raises(UserError, match="wrote more than 10485760 bytes, which is BASELARD_OUTPUT"):
        run("while true; do cat /bin/busybox; done", on=on)
    assert not [path for path in worker.store.work.iterdir() if any(path.iterdir())]
    assert run("dd if=/dev/zero bs=1M count=9 2>/dev/null", on=on).code == 0


def test_what_fills_the_disk_is_ended(run, worker):
    """Many files, each of which is small, without end; and one."""
    on = replace(worker, host=HostEnvironment(limits=Limits(disk=20 << 20)))
    with pytest.raises(UserError, match="took 20971520 bytes of the disk, which is BASELARD_DISK"):
        run("i=0; while true; do cp /bin/busybox /$i; i=$((i+1)); done", on=on)
    with pytest.raises(UserError, match="took 20971520 bytes of the disk"):
        run("dd if=/dev/zero of=/large bs=1M count=100; true", on=on)
    assert run("dd if=/dev/zero of=/small bs=1M count=9 && rm /small", on=on).code == 0
    assert not [path for path in worker.store.work.iterdir() if any(path.iterdir())]


def test_a_cache_volume_counts_by_what_it_grows(run, worker):
    on = replace(worker, host=HostEnvironment(limits=Limits(disk=20 << 20)))
    cache = (CacheMount("/cache", "grows"),)
    for name in "abc":
        assert run(f"dd if=/dev/zero of=/cache/{name} bs=1M count=15", mounts=cache, on=on).code == 0
    with pytest.raises(UserError, match="BASELARD_DISK"):
        run("for name in d e; do dd if=/dev/zero of=/cache/$name bs=1M count=15; done", mounts=cache, on=on)


def test_containers_end_first_when_memory_runs_out(run):
    """proc(5): the higher, the sooner; what one with CAP_SYS_RESOURCE set nobody without it can lower again."""
    assert int(run("cat /proc/self/oom_score_adj").stdout) >= 500
    own = int(Path("/proc/self/status").read_text().split("CapEff:")[1].split()[0], 16)
    if own >> 24 & 1 and ids.are_all():
        assert "failed" in run("echo 0 >/proc/self/oom_score_adj || echo failed; true").stdout


def test_a_secret_with_a_nul_byte_is_no_variable(run, worker):
    worker.secrets.known["odd"] = b"a\0b"
    with pytest.raises(UserError, match="secret for ODD holds a NUL byte"):
        run("true", secret_env=(("ODD", SecretRef("odd", "odd")),))
