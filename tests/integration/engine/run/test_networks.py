"""Networks of containers: what the machine looks like before, during and after, and on odd machines."""

import glob
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from baselard.engine.host import process, rundir
from baselard.engine.run.containers import leftovers
from baselard.engine.run.networks import bridges as network_bridge
from baselard.engine.run.networks import namespaces
from baselard.engine.run.networks.network import Network
from tests import alone

pytestmark = pytest.mark.root

HERE = Path(__file__).parent
ENV = {**os.environ, "PYTHONPATH": str(Path(rundir.__file__).parents[3])}


def of_this_machine(name: str) -> list[str]:
    """Everything on this machine that carries an engine's name."""
    texts = [
        process.run(["ip", "-oneline", "link"]).stdout,
        process.run(["iptables-save"]).stdout,
        process.run(["ip6tables-save"]).stdout,
    ]
    # Not by glob, which fails where another engine's group goes meanwhile.
    groups = [one for one, *_ in os.walk("/sys/fs/cgroup") if Path(one).name.startswith(f"baselard-{name}")]
    return [*(line for text in texts for line in text.decode().splitlines() if name in line), *groups]


@pytest.fixture
def own(tmp_path, _own_mounts):
    """A network of the test's own, with what it warned about."""
    warnings = []
    run_dir = rundir.open_run_dir(tmp_path)
    network = Network(run_dir, warnings.append)
    yield network, warnings
    network.close()
    run_dir.close()


@alone.NETWORK
def test_namespaces_return_to_the_pool_and_all_goes_in_the_end(own):
    network, _ = own
    with network.lease() as first:
        assert first.address.startswith("10.")
        assert of_this_machine(network.run_dir.name)
    network._filler.join()
    names = set()
    for _ in range(20):
        with network.lease() as one:
            names.add(one.name)
    assert len(names) <= 4
    network.close()
    assert of_this_machine(network.run_dir.name) == []


@alone.NETWORK
def test_what_others_have_in_the_packet_filter_is_not_read_at_the_end(own, monkeypatch):
    """It may be thousands of rules; judge: what was run, and iptables-save of what is left."""
    network, _ = own
    with network.lease():
        pass
    ran, real = [], process.run_regardless
    monkeypatch.setattr(process, "run_regardless", lambda argv, **more: ran.append(argv) or real(argv, **more))
    network.close()
    assert ran == []  # nothing was asked
    assert of_this_machine(network.run_dir.name) == []


@alone.NETWORK
def test_rules_that_are_gone_already_are_no_failure(own):
    """Somebody has set the packet filter anew meanwhile."""
    network, _ = own
    with network.lease():
        pass
    for subnet in network._bridge.subnets:
        network_bridge._take_rules_away(network._bridge.name, subnet)
    network.close()
    assert of_this_machine(network.run_dir.name) == []


@alone.NETWORK
def test_the_gateway_keeps_its_address_while_others_come_and_go(own):
    """A bridge without an address of its own takes a port's, and who is attached goes on sending to the old one."""
    network, _ = own
    with network.lease():
        address = Path("/sys/class/net", f"bsl-{network.run_dir.name}", "address")
        seen = {address.read_text()}
        for _ in range(8):
            with network.lease(reuse=False):
                seen.add(address.read_text())
        network._filler.join()
    assert len(seen | {address.read_text()}) == 1


@alone.NETWORK
def test_engines_with_run_directories_apart_choose_subnets_apart(tmp_path, _own_mounts):
    run_dirs = [rundir.open_run_dir(tmp_path / str(number)) for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        bridges = list(pool.map(network_bridge.set_up, run_dirs))
    for run_dir, bridge in zip(run_dirs, bridges, strict=True):
        network_bridge.tear_down(run_dir)
        bridge.sign.close()
        run_dir.close()
    assert len({bridge.subnet for bridge in bridges}) == 6


def test_a_used_up_namespace_gives_its_address_back(own):
    network, _ = own
    with network.lease(reuse=False) as one:
        kept = network.run_dir.path / "addresses" / f"bsl-{network.run_dir.name}" / one.address
        assert kept.exists()
    network._filler.join()
    while network._used_up:
        network.fill()
        network._filler.join()
    assert not kept.exists()


def test_sockets_left_open_keep_a_namespace_out_of_the_pool(own):
    network, _ = own
    with network.lease() as one:
        left = namespaces.inside(one, lambda: __import__("socket").create_server(("127.0.0.1", 0)))
        assert not namespaces.is_pristine(one)
    left.close()
    assert one not in network._free


def test_a_machine_without_iptables_says_so_and_still_runs(run, worker, own, monkeypatch):
    network, warnings = own
    which = process.which
    monkeypatch.setattr(process, "which", lambda name: None if name == "iptables-restore" else which(name))
    assert run("echo ran", on=replace(worker, network=network)).stdout == "ran\n"
    assert "apt-get install iptables" in warnings[0]


def test_a_machine_without_cni_plugins_says_so_and_still_runs(run, worker, own, monkeypatch):
    network, warnings = own
    monkeypatch.setattr("baselard.engine.run.networks.network._PLUGINS", ())
    assert run(
        "echo ran; wget -T 1 -qO- http://10.0.0.1/ || echo alone", on=replace(worker, network=network)
    ).stdout == ("ran\nalone\n")
    network._filler.join()
    assert len(warnings) == 1
    assert "apt-get install containernetworking-plugins" in warnings[0]


def test_a_machine_that_cannot_make_bridges_says_so_and_still_runs(run, worker, own, monkeypatch):
    network, warnings = own

    def refuse(*_: str) -> None:
        raise network_bridge.HostError("the bridge cannot be made: no CAP_NET_ADMIN")

    monkeypatch.setattr(network_bridge, "_ip_batch", refuse)
    on = replace(worker, network=network)
    assert run("echo ran", on=on).stdout == "ran\n"
    assert run("echo again", on=on).stdout == "again\n"
    assert warnings == ["containers have no network: the bridge cannot be made: no CAP_NET_ADMIN"]


def test_a_resolver_on_the_machines_loopback_answers_in_containers(run, monkeypatch, tmp_path):
    from socket import AF_INET, SOCK_DGRAM, socket

    monkeypatch.setattr("baselard.engine.run.networks.network._RESOLV", tmp_path / "resolv.conf")
    monkeypatch.setattr("baselard.engine.run.networks.network._UPSTREAM", tmp_path / "none")
    monkeypatch.setattr("baselard.engine.run.sandbox._DNS", 5399)
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.53\n")
    with socket(AF_INET, SOCK_DGRAM) as server:
        server.settimeout(10)
        server.bind(("127.0.0.53", 5399))
        thread = threading.Thread(target=_know_no_name, args=(server,))
        thread.start()
        ran = run("cat /etc/resolv.conf; busybox nslookup -type=a some.name 127.0.0.53:5399 2>&1 || true")
        thread.join()
    assert ran.stdout.startswith("nameserver 127.0.0.53\n")
    assert "NXDOMAIN" in ran.stdout


def _know_no_name(server) -> None:
    query, peer = server.recvfrom(512)
    server.sendto(query[:2] + bytes([query[2] | 0x80, 0x83]) + query[4:], peer)


@alone.NETWORK
def test_a_killed_engine_leaves_nothing_after_the_next_start(tmp_path, _own_mounts):
    argv = [sys.executable, str(HERE / "holder.py"), str(tmp_path / "run"), str(tmp_path / "store")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=ENV) as holder:
        facts = json.loads(holder.stdout.readline())
        holder.kill()
    while _processes(facts["name"]):
        time.sleep(0.01)  # they die with the engine, a moment later
    assert of_this_machine(facts["name"])
    assert leftovers.remove(tmp_path / "run") == 1
    assert of_this_machine(facts["name"]) == []
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["all"]


@alone.NETWORK
def test_what_a_killed_engine_left_goes_though_its_run_directory_is_gone(tmp_path, _own_mounts, own):
    """As tests and containers leave it. What a living engine has stays, which nothing but its process tells."""
    network, _ = own
    argv = [sys.executable, str(HERE / "holder.py"), str(tmp_path / "run"), str(tmp_path / "store")]
    with network.lease(), subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=ENV) as holder:
        facts = json.loads(holder.stdout.readline())
        before = of_this_machine(network.run_dir.name)
        leftovers.remove(tmp_path / "empty")
        assert any(":bsl-" in line for line in of_this_machine(facts["name"]))
        holder.kill()
        while _processes(facts["name"]):
            time.sleep(0.01)
        shutil.rmtree(tmp_path / "run")
        for path in glob.glob(f"/sys/fs/cgroup/**/baselard-{facts['name']}-*", recursive=True):  # others' come and go
            os.utime(path, (0, 0))  # made long ago, as nobody waits that long to enter it
        leftovers.remove(tmp_path / "empty")
        assert of_this_machine(facts["name"]) == []
        assert of_this_machine(network.run_dir.name) == before


def _processes(name: str) -> list[str]:
    lines = [_command_line(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
    return [line for line in lines if name in line]


def _command_line(path: Path) -> str:
    try:
        return path.read_bytes().decode(errors="replace")
    except OSError:
        return ""
