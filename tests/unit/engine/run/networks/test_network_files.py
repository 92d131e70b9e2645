"""Hosts and resolver files, subnets and packet filter rules."""

import ipaddress

import pytest

from baselard.engine.errors import HostError
from baselard.engine.run.networks import bridges, network


def test_hosts_name_the_container_and_its_services():
    text = network.hosts_file("me", {"db": "10.64.0.5"})
    assert "127.0.0.1\tlocalhost me\n" in text
    assert "::1\tlocalhost" in text
    assert text.endswith("10.64.0.5\tdb\n")


def test_a_resolver_on_the_loopback_is_replaced_by_its_upstream(tmp_path, monkeypatch):
    own, upstream = tmp_path / "resolv.conf", tmp_path / "upstream"
    monkeypatch.setattr(network, "_RESOLV", own)
    monkeypatch.setattr(network, "_UPSTREAM", upstream)
    own.write_text("nameserver 127.0.0.53\noptions edns0\n")
    assert network.resolv_conf() == own.read_text()
    upstream.write_text("nameserver 192.0.2.7\n")
    assert network.resolv_conf() == "nameserver 192.0.2.7\n"
    own.write_text("search example\nnameserver 192.0.2.1\n")
    assert network.resolv_conf() == own.read_text()
    own.unlink()
    assert network.resolv_conf() == "nameserver 192.0.2.7\n"


def test_the_first_subnet_that_nothing_touches(monkeypatch):
    routes = [ipaddress.IPv4Network("10.64.0.0/16"), ipaddress.IPv4Network("10.65.3.0/24")]
    monkeypatch.setattr(bridges, "routes", lambda: iter(routes))
    assert str(bridges._free_subnet()) == "10.65.16.0/20"


def test_no_subnet_is_free(monkeypatch):
    monkeypatch.setattr(bridges, "routes", lambda: iter([ipaddress.IPv4Network("0.0.0.0/1"), *_halves()]))
    with pytest.raises(HostError, match="every private subnet"):
        bridges._free_subnet()


def _halves():
    return [ipaddress.IPv4Network("128.0.0.0/1")]


def test_every_rule_set_is_taken_away_again():
    added = bridges.rules("bsl1", "10.64.0.0/20", "-I").splitlines()
    removed = bridges.rules("bsl1", "10.64.0.0/20", "-D").splitlines()
    inserted = {line[2:] for line in added if line.startswith("-I")}
    assert inserted == {line[2:] for line in removed if line.startswith("-D")}
    assert ":bsl1 - [0:0]" in added
    assert {"-F bsl1", "-X bsl1"} <= set(removed)
