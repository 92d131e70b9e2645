"""What this machine lends to containers, and what it leaves alone."""

from pathlib import Path

import pytest

from baselard.engine.errors import UserError
from baselard.engine.run.containers import cgroups, host
from baselard.engine.run.containers.host import HostEnvironment
from baselard.engine.run.containers.limits import Limits

PEM = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"


@pytest.fixture
def bundle(tmp_path):
    path = tmp_path / "bundle.crt"
    path.write_text(PEM.format("MIIextra"))
    return path


@pytest.fixture
def rootfs(tmp_path):
    path = tmp_path / "rootfs"
    (path / "etc/ssl/certs").mkdir(parents=True)
    return path


def test_proxies_come_in_both_spellings():
    found = host.detect({"https_proxy": "http://p:1", "NO_PROXY": "internal"})
    expected = {
        "https_proxy": "http://p:1",
        "HTTPS_PROXY": "http://p:1",
        "no_proxy": "internal",
        "NO_PROXY": "internal",
    }
    assert expected.items() <= found.variables.items()


def test_mirrors_and_what_the_user_names_for_every_container():
    found = host.detect({"PIP_INDEX_URL": "http://pip", "BASELARD_EXEC_PIP_INDEX_URL": "http://own", "HOME": "/root"})
    assert found.variables["PIP_INDEX_URL"] == "http://own"
    assert "HOME" not in found.variables


def test_a_value_of_the_user_stays_whatever_its_case(bundle, rootfs, tmp_path):
    lent = HostEnvironment({"http_proxy": "x", "HTTP_PROXY": "x"}, bundle)
    files = lent.lend(rootfs, tmp_path)
    added = lent.for_exec([("Http_Proxy", "mine"), ("SSL_CERT_FILE", "/my.crt")], files)
    assert "http_proxy" not in added
    assert "SSL_CERT_FILE" not in added
    assert added["PIP_CERT"] == host.CA_TARGET


def test_the_bundle_joins_this_machines_certificates_and_the_images(bundle, rootfs, tmp_path):
    (rootfs / "etc/ssl/certs/ca-certificates.crt").write_text(PEM.format("MIIimage"))
    lent = HostEnvironment(ca_file=bundle).lend(rootfs, tmp_path)
    text = (lent.directory / "ca.crt").read_text()
    assert "MIIextra" in text
    assert "MIIimage" in text
    assert lent == HostEnvironment(ca_file=bundle).lend(rootfs, tmp_path)
    assert f'Acquire::https::CAInfo "{host.CA_TARGET}";' in (lent.directory / "apt.conf").read_text()
    assert (lent.directory / "wgetrc").read_text() == f"ca_certificate = {host.CA_TARGET}\n"


def test_an_images_bundle_is_never_looked_for_outside_the_image(bundle, rootfs, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("not for containers")
    (rootfs / "etc/ssl/certs/ca-certificates.crt").symlink_to(secret)
    lent = HostEnvironment(ca_file=bundle).lend(rootfs, tmp_path)
    assert "not for containers" not in (lent.directory / "ca.crt").read_text()


def test_a_machine_with_nothing_of_its_own_lends_nothing(rootfs, tmp_path, monkeypatch):
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    (shipped / "public.crt").write_text(PEM.format("MIIpublic"))
    monkeypatch.setattr(host, "_SHIPPED", shipped)
    public = tmp_path / "public.crt"
    public.write_text(PEM.format("MIIpublic"))
    assert HostEnvironment(ca_file=public).lend(rootfs, tmp_path) is None
    assert HostEnvironment(ca_file=Path("/nowhere")).lend(rootfs, tmp_path) is None


def test_apt_asks_the_redirector_for_the_archive_alone(rootfs, tmp_path):
    lending = HostEnvironment(redirects={"http://deb.debian.org/debian": "http://m/debian"})
    assert lending.lend(rootfs, tmp_path) is None
    lent = lending.lend(rootfs, tmp_path, 4321)
    assert (
        lent.directory / "apt.conf"
    ).read_text() == 'Acquire::http::Proxy::deb.debian.org "http://127.0.0.1:4321";\n'
    assert dict(lent.variables) == {"APT_CONFIG": "/run/baselard/apt.conf"}


def test_limits_of_each_container():
    found = host.detect({"BASELARD_MEMORY": "1.5g", "BASELARD_CPUS": "0.5", "BASELARD_PIDS": "100"}).limits
    assert found == Limits(3 << 29, 0.5, 100, output=1 << 30)
    assert found.to_json() == {
        "memory": {"limit": 3 << 29},
        "cpu": {"period": 100_000, "quota": 50_000},
        "pids": {"limit": 100},
    }
    others = {"BASELARD_FILES": "64", "BASELARD_OUTPUT": "100m", "BASELARD_PIDS": "0", "BASELARD_DISK": "1g"}
    found = host.detect(others).limits
    assert found == Limits(files=64, output=100 << 20, disk=1 << 30)
    assert found.rlimits() == [
        {"type": "RLIMIT_NOFILE", "soft": 64, "hard": 64},
        {"type": "RLIMIT_FSIZE", "soft": 1 << 30, "hard": 1 << 30},
    ]


def test_what_no_honest_build_meets_is_limited_anyway(tmp_path, monkeypatch):
    """Processes where control groups can: those of version 2 name what they can, those of version 1 are directories."""
    monkeypatch.setattr(cgroups, "_ROOT", tmp_path)
    assert host.detect({}).limits == Limits(output=1 << 30)
    (tmp_path / "pids").mkdir()
    assert host.detect({}).limits == Limits(pids=16384, output=1 << 30)
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    assert host.detect({}).limits == Limits(output=1 << 30)
    assert host.detect({"BASELARD_PIDS": "9"}).limits.pids == 9
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    assert host.detect({}).limits == Limits(pids=16384, output=1 << 30)
    assert host.detect({"BASELARD_PIDS": "0", "BASELARD_OUTPUT": "0"}).limits == Limits()


@pytest.mark.parametrize("setting", [{"BASELARD_MEMORY": "much"}, {"BASELARD_PIDS": "1.5"}, {"BASELARD_CPUS": "-1"}])
def test_limits_that_are_none(setting):
    with pytest.raises(UserError, match=next(iter(setting))):
        host.detect(setting)


def test_a_proxy_on_the_loopback_is_seen():
    variables = {
        "http_proxy": "http://localhost:3128/",
        "https_proxy": "http://user:pw@127.0.0.1:3129",
        "PIP_INDEX_URL": "https://127.0.0.1/simple",
        "all_proxy": "http://127.0.0.1.example:1",
        "no_proxy": "localhost:9",
    }
    assert HostEnvironment(variables).loopback_ports == [443, 3128, 3129]


def test_services_are_not_asked_for_by_proxy():
    added = HostEnvironment({"http_proxy": "http://p", "no_proxy": "intern"}).for_exec([], None, ["db", "web"])
    assert added["NO_PROXY"] == added["no_proxy"] == "intern,localhost,127.0.0.1,::1,db,web"
    assert "no_proxy" not in HostEnvironment({"PIP_INDEX_URL": "x"}).for_exec([], None, ["db"])
    assert "no_proxy" not in HostEnvironment({"http_proxy": "x"}).for_exec([("NO_PROXY", "mine")], None, ["db"])
