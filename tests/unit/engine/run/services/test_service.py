"""Services as values: names, keys, ports."""

from dataclasses import dataclass

import pytest

from baselard.engine.errors import UserError
from baselard.engine.run.containers.command import Command
from baselard.engine.run.services.service import (
    ContainerService,
    Forward,
    HostService,
    ServicePort,
    TunnelService,
    with_hostname,
)
from baselard.engine.solver.graph import Output


@dataclass(frozen=True)
class Base:
    key: str = "base"


def service(*args, ports=()):
    return ContainerService(Command(Output(Base()), args or ("serve",)), ports)  # type: ignore[arg-type]


def test_equal_services_have_equal_keys_and_names():
    assert service().key == service().key != service("other").key
    assert service().hostname == service().hostname
    assert len(service().hostname) == 13
    assert service().hostname.isalnum()


def test_a_name_of_ones_own():
    named = with_hostname(service(), "db.internal")
    assert (named.hostname, named.key != service().key) == ("db.internal", True)


@pytest.mark.parametrize("name", ["", "a b", "-a", "a-", "a..b", "x" * 64, "under_score", "ümlaut"])
def test_names_that_are_none(name):
    with pytest.raises(UserError, match="is not a host name"):
        with_hostname(service(), name)


def test_localhost_is_each_container_itself():
    with pytest.raises(UserError, match="each container itself"):
        with_hostname(service(), "localhost")


def test_a_tunnel_has_no_name_of_its_own():
    tunnel = TunnelService(service(ports=(ServicePort(80),)))
    assert tunnel.hostname == "127.0.0.1"
    with pytest.raises(UserError, match="localhost"):
        with_hostname(tunnel, "other")


@pytest.mark.parametrize(("frontend", "backend"), [(-1, 80), (65536, 80), (80, 0), (80, 70000)])
def test_ports_out_of_range(frontend, backend):
    with pytest.raises(UserError, match="is not between"):
        Forward(frontend, backend)


def test_a_tunnels_ways_in():
    exposed = service(ports=(ServicePort(80), ServicePort(53, "UDP")))
    assert TunnelService(exposed).all_forwards == (Forward(0, 80), Forward(0, 53, "UDP"))
    assert TunnelService(exposed, native=True).all_forwards == (Forward(80, 80), Forward(53, 53, "UDP"))
    assert TunnelService(exposed, (Forward(8080, 80),)).all_forwards == (Forward(8080, 80),)


def test_no_port_or_one_port_twice():
    with pytest.raises(UserError, match="no ports to forward"):
        TunnelService(service())
    with pytest.raises(UserError, match="port 80 is forwarded twice"):
        HostService("localhost", (Forward(80, 1), Forward(80, 2)))
    assert len(HostService("localhost", (Forward(80, 1), Forward(80, 2, "UDP"))).ports) == 2
