"""Services of a session: reached by name, started once, checked, ended with their reason."""

import signal
import socket
import threading
from dataclasses import replace

import pytest

from baselard.engine.errors import ExecError, HostError, ServiceError, UserError
from baselard.engine.run.containers.command import Binding, Command
from baselard.engine.run.containers.runtime import OciContainer
from baselard.engine.run.services import running_service, session_services
from baselard.engine.run.services.service import (
    ContainerService,
    Forward,
    HostService,
    ServicePort,
    TunnelService,
    with_hostname,
)
from baselard.oci.image_config import Healthcheck

pytestmark = pytest.mark.root

WEB = (ServicePort(8080),)
SERVE = "mkdir /www; echo from the service > /www/index.html; exec httpd -f -p 8080 -h /www"


@pytest.fixture
def serving(output, busybox):
    """A service made of a shell line."""

    def serving(line=SERVE, ports=WEB, healthcheck=None, **fields):
        return ContainerService(Command(output(busybox), ("sh", "-c", line), **fields), ports, healthcheck)

    return serving


@pytest.fixture
def start(worker, busybox):
    """Start a service explicitly."""

    def start(service):
        return worker.services.start(worker, service, {output.key: busybox for output in service.inputs})

    return start


def test_a_bound_service_is_reached_by_alias_and_by_its_own_name(run, serving):
    service = serving()
    line = f"wget -qO- http://web:8080/; wget -qO- http://{service.hostname}:8080/"
    assert run(line, bindings=(Binding("web", service),)).stdout == "from the service\n" * 2


def test_one_service_serves_all_that_bind_it(run, serving, worker):
    service = serving()
    started = []
    worker.progress.started = lambda key, label: started.append(key)
    threads = [
        threading.Thread(
            target=run, args=("wget -qO- http://web:8080/",), kwargs={"bindings": (Binding("web", service),)}
        )
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert started == [service.key]


def test_a_service_that_uses_a_service(run, serving):
    behind = serving()
    front = serving(
        "wget -qO /page http://behind:8080/ && nc -l -p 9090 < /page", (), bindings=(Binding("behind", behind),)
    )
    front = replace(front, healthcheck=Healthcheck(("CMD", "test", "-s", "/page")))
    line = "until nc front 9090; do sleep 0.02; done"
    assert run(line, bindings=(Binding("front", front),)).stdout == "from the service\n"


def test_an_unbound_service_of_the_session_is_known_by_its_name(run, serving, start):
    service = with_hostname(serving(), "database.internal")
    start(service)
    assert run("wget -qO- http://database.internal:8080/").stdout == "from the service\n"


def test_a_service_that_comes_and_goes_is_known_to_a_command_that_runs(run, serving, start, worker):
    service = with_hostname(serving(), "later")
    seen = threading.Event()
    worker.progress.output = lambda key, stream, data: seen.set() if b"waiting" in data else None
    line = "grep later /etc/hosts; echo waiting; until wget -qO- http://later:8080/; do sleep 0.02; done"
    gone = "echo waiting; while grep -q later /etc/hosts; do sleep 0.02; done"
    for shell, change in ((line, lambda: start(service)), (gone, lambda: worker.services.stop(service))):
        seen.clear()
        ran = []
        thread = threading.Thread(target=lambda shell=shell, ran=ran: ran.append(run(shell)))
        thread.start()
        assert seen.wait(20)
        change()
        thread.join()
        assert ran[0].stdout in ("waiting\nfrom the service\n", "waiting\n")


def test_sessions_do_not_share_names(run, serving, start, worker):
    start(with_hostname(serving(), "mine"))
    other = replace(worker, services=session_services.SessionServices())
    assert "mine" not in run("cat /etc/hosts", on=other).stdout


def test_an_early_exit_tells_what_was_said(run, serving):
    service = serving("echo I cannot; echo because of this >&2; exit 3")
    with pytest.raises(ExecError) as caught:
        run("true", bindings=(Binding("web", service),))
    assert (caught.value.exit_code, caught.value.stdout, caught.value.stderr) == (3, "I cannot\n", "because of this\n")


def test_a_service_that_ends_ends_the_commands_that_use_it(run, serving):
    service = serving("nc -l -p 8080; echo gone >&2; exit 4", ())
    line = "until echo x | nc web 8080; do sleep 0.05; done; sleep 1000"
    with pytest.raises(ServiceError) as caught:
        run(line, bindings=(Binding("web", service),))
    assert str(caught.value) == f"bound service {service.hostname} (aliased as web) exited: exit code: 4"


def test_a_failure_shows_what_the_services_beside_it_said(run, serving, worker):
    check = Healthcheck(("CMD", "test", "-e", "/ready"))
    service = serving("echo refusing user app; echo > /ready; sleep 1000", (), check)
    with pytest.raises(ExecError):
        run("exit 1", bindings=(Binding("db", service),))
    (shown,) = [data for _, data in worker.progress.written if b"said last" in data]
    assert shown == b"--- the service db said last:\nrefusing user app\n---\n"


def test_a_failure_shows_what_services_behind_services_said(run, serving, worker):
    check = Healthcheck(("CMD", "test", "-e", "/ready"))
    behind = serving("echo refusing; echo > /ready; sleep 1000", (), check)
    front = serving("exit 7", bindings=(Binding("db", behind),))
    with pytest.raises(ExecError):
        run("true", bindings=(Binding("front", front),))
    shown = [data for _, data in worker.progress.written if b"said last" in data]
    assert shown == [b"--- the service db said last:\nrefusing\n---\n"]


def test_a_service_that_never_comes_up_says_what_it_said(run, serving, worker, monkeypatch):
    worker.progress.output = lambda *_: monkeypatch.setattr(running_service, "_PATIENCE", 0)  # it has said it
    with pytest.raises(HostError, match=r"until port 8080 accepts connections; it said last:\nbusy elsewhere"):
        run("true", bindings=(Binding("web", serving("echo busy elsewhere; sleep 1000")),))


def test_a_health_check_that_cannot_run_is_told(run, serving, worker, monkeypatch):
    execute = OciContainer.execute

    def impatient(container, args, spec, *, on_output, **more):
        def heard(stream, data):
            on_output(stream, data)
            if b"not found" in data:
                monkeypatch.setattr(running_service, "_PATIENCE", 0)

        return execute(container, args, spec, on_output=heard, **more)

    monkeypatch.setattr(OciContainer, "execute", impatient)
    monkeypatch.setattr(running_service, "_TOLD_AFTER", 0.0)
    service = serving("sleep 1000", (), Healthcheck(("CMD", "curl", "localhost")))
    with pytest.raises(HostError, match=r"(?s)until its health check succeeds; the check said:.*curl.*not found"):
        run("true", bindings=(Binding("web", service),))
    assert [data for _, data in worker.progress.written if data.startswith(b"still waiting until its health check")]


MILLISECOND = 10**6


@pytest.mark.parametrize("settings", [{"retries": 2}, {}, {"retries": 1, "start_period": 30 * MILLISECOND}])
def test_a_service_whose_health_check_goes_on_failing_is_unhealthy(start, serving, settings):
    """It was waited for without end; when exactly it is unhealthy is in tests/unit/engine/test_health.py."""
    check = Healthcheck(
        ("CMD-SHELL", "echo no; echo >> /checks; exit 3"),
        interval=20 * MILLISECOND,
        start_interval=20 * MILLISECOND,
        **settings,
    )
    service = serving("sleep 1000", (), check)
    with pytest.raises(ExecError, match="health check errored: exit code: 3") as caught:
        start(service)
    assert caught.value.stdout == "no\n"


def test_a_check_that_takes_too_long_has_failed_and_is_killed(start, serving, monkeypatch):
    """As docker kills it; its process would go on in the container."""
    execute = OciContainer.execute
    looked = []

    def followed(container, args, spec, **more):
        code = execute(container, args, spec, **more)
        same = '[ "$(/bin/busybox tr "\\0" " " < $one)" = "sleep 7654 " ]'
        look = ("sh", "-c", f"for one in /proc/[0-9]*/cmdline; do {same} && exit 0; done 2> /dev/null; exit 1")
        while (found := execute(container, look, spec, timeout=30, on_output=lambda *_: None)) == 0:
            pass
        looked.append((code, found))
        return code

    monkeypatch.setattr(OciContainer, "execute", followed)
    check = Healthcheck(("CMD", "sleep", "7654"), interval=MILLISECOND, timeout=200 * MILLISECOND, retries=1)
    with pytest.raises(HostError, match=r"health check errored: sleep 7654: not done after 0.2 s"):
        start(serving("sleep 1000", (), check))
    assert looked[-1] == (-1, 1)  # none was found


def test_the_failures_of_a_start_period_do_not_count(start, serving):
    check = Healthcheck(
        ("CMD-SHELL", "echo >> /n; [ $(wc -l < /n) -ge 6 ]"),
        interval=MILLISECOND,
        start_period=10**12,
        start_interval=10 * MILLISECOND,
        retries=1,
    )
    assert start(serving("sleep 1000", (), check)).up.is_set()


def test_a_port_of_this_machine_that_nobody_listens_on_is_told(run, worker):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        number = unused.getsockname()[1]
    lent = HostService("127.0.0.1", (Forward(80, number),))
    with pytest.raises(ExecError):
        run("wget -qO- http://app/", bindings=(Binding("app", lent),))
    (shown,) = [data for _, data in worker.progress.written if b"said last" in data]
    assert f"127.0.0.1:{number} cannot be reached".encode() in shown


def test_a_slow_service_is_waited_for(run, serving):
    service = serving("sleep 0.5; " + SERVE)
    assert run("wget -qO- http://web:8080/", bindings=(Binding("web", service),)).stdout == "from the service\n"


def test_dockers_healthcheck_comes_before_ports(run, serving):
    check = Healthcheck(("CMD-SHELL", "test -e /ready"))
    service = serving("sleep 0.3; echo > /ready; sleep 1000", (ServicePort(1),), check)
    run("true", bindings=(Binding("web", service),))


def test_start_stop_and_start_again(start, serving, worker):
    line = "trap 'echo asked to go; exit 0' TERM; echo > /ready; while true; do sleep 0.05; done"
    service = serving(line, (), Healthcheck(("CMD", "test", "-e", "/ready")))
    first = start(service)
    worker.services.stop(service)
    assert (first.ended.is_set(), first.tails[1].text) == (True, "asked to go\n")
    assert start(service) is not first
    worker.services.stop(service, kill=True)
    worker.services.stop(service)


def test_a_service_goes_some_time_after_its_last_use(run, serving, worker, monkeypatch):
    began = []
    start = running_service.start_container
    monkeypatch.setattr(running_service, "start_container", lambda *args: began.append(start(*args)) or began[-1])
    monkeypatch.setattr(session_services, "LINGER", 0.05)
    service = serving()
    run("true", bindings=(Binding("web", service),))
    assert began[0].ended.wait(15)
    run("true", bindings=(Binding("web", service),))
    assert len(began) == 2


def test_the_end_of_a_session_stops_all_at_once(serving, start, worker, monkeypatch):
    monkeypatch.setattr(running_service, "GRACE", 0.4)
    stubborn = "trap '' TERM; echo > /ready; while true; do sleep 0.05; done"
    ready = Healthcheck(("CMD", "test", "-e", "/ready"))
    running = [start(serving(f"{stubborn}; : {number}", (), ready)) for number in range(4)]
    sent = []
    signal_one = OciContainer.signal
    monkeypatch.setattr(OciContainer, "signal", lambda one, number: sent.append(number) or signal_one(one, number))
    worker.services.close()
    assert all(one.ended.is_set() for one in running)
    assert sent == [signal.SIGTERM] * 4 + [signal.SIGKILL] * 4


def test_secrets_are_scrubbed_from_what_a_service_says(serving, start, worker):
    from baselard.engine.run.containers.command import SecretRef

    worker.secrets.known["pw"] = b"p4ssw0rd"
    service = serving("echo $PW; sleep 1000", (), secret_env=(("PW", SecretRef("pw", "pw")),))
    running = start(service)
    while not running.tails[1].text:
        assert not running.ended.wait(0.01), running.failure()
    assert running.tails[1].text == "***\n"


def test_a_tunnel_leads_from_this_machine_to_a_service(serving, start, worker):
    tunnel = TunnelService(serving())
    (port,) = start(tunnel).ports
    with socket.create_connection(("127.0.0.1", port.port)) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.endswith(b"from the service\n")
    assert worker.services.ports(tunnel) == (port,)
    worker.services.stop(tunnel)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port.port))


def test_a_tunnel_for_datagrams(start):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.settimeout(10)
        server.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=lambda: server.sendto(*server.recvfrom(512)))
        thread.start()
        lent = HostService("127.0.0.1", (Forward(5353, server.getsockname()[1], "UDP"),))
        (port,) = start(TunnelService(lent)).ports
        assert port.protocol == "UDP"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(10)
            asking.sendto(b"there and back", ("127.0.0.1", port.port))
            assert asking.recv(100) == b"there and back"
        thread.join()


def test_a_service_that_ends_while_its_health_is_checked_tells_its_own_end(run, serving, monkeypatch):
    ended = []
    execute = OciContainer.execute

    def late(container, args, spec, **more):
        if execute(container, ("true",), spec, **more):
            return 1  # the container is still being made; it is asked again
        execute(container, ("touch", "/asked"), spec, **more)  # it may end before this does
        while container.bundle.exists():
            threading.Event().wait(0.01)
        ended.append(container)
        return execute(container, args, spec, **more)

    monkeypatch.setattr(OciContainer, "execute", late)
    line = "until [ -e /asked ]; do sleep 0.01; done; echo cannot; exit 6"
    service = serving(line, (), Healthcheck(("CMD", "true")))
    with pytest.raises(ExecError) as caught:
        run("true", bindings=(Binding("web", service),))
    assert ended
    assert (caught.value.exit_code, caught.value.stdout) == (6, "cannot\n")


def test_a_taken_port_is_named(serving, start):
    with socket.create_server(("0.0.0.0", 0)) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port {number} of this machine cannot be used"):
            start(TunnelService(serving(), (Forward(number, 8080),)))


def test_a_port_of_this_machine_is_lent_to_containers(run):
    with socket.create_server(("127.0.0.1", 0)) as server:
        lent = HostService("127.0.0.1", (Forward(5432, server.getsockname()[1]),))
        answer = threading.Thread(target=_answer_once, args=(server, b"from the host"))
        answer.start()
        assert run("nc db 5432 </dev/null", bindings=(Binding("db", lent),)).stdout == "from the host"
        answer.join()


def test_datagrams_find_there_and_back(run):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.settimeout(10)
        server.bind(("127.0.0.1", 0))
        lent = HostService("127.0.0.1", (Forward(53, server.getsockname()[1], "UDP"),))
        thread = threading.Thread(target=_know_no_name, args=(server,))
        thread.start()
        address = "$(busybox awk '/dns/ { print $1 }' /etc/hosts)"
        ran = run(f"busybox nslookup -type=a some.name {address} 2>&1 || true", bindings=(Binding("dns", lent),))
        thread.join()
    assert "NXDOMAIN" in ran.stdout


def _know_no_name(server: socket.socket) -> None:
    """Answer one DNS query with NXDOMAIN (RFC 1035, 4.1.1)."""
    query, peer = server.recvfrom(512)
    server.sendto(query[:2] + bytes([query[2] | 0x80, 0x83]) + query[4:], peer)


def _answer_once(server: socket.socket, text: bytes) -> None:
    with server.accept()[0] as connection:
        connection.sendall(text)
