"""Which versions an advisory concerns; the judges are the projects' own announcements and Debian's changelogs."""

import os
from types import SimpleNamespace

import pytest

from baselard.engine.host import advisories, doctor, process
from baselard.engine.host.advisories import TABLE, Installed

needs_dpkg = pytest.mark.skipif(not process.which("dpkg"), reason="there is no dpkg here")


def _open_to(program: str, version: str, release: str = "") -> set[str]:
    return {advisory.name for advisory in advisories.concerning(program, Installed(version, release))}


@pytest.mark.parametrize(
    ("program", "version", "names"),
    [
        ("runc", "1.1.11", {advisory.name for advisory in TABLE["runc"]}),
        ("runc", "1.1.14", {"CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881", "CVE-2026-41579"}),
        ("runc", "1.2.8", {"CVE-2026-41579"}),
        ("runc", "1.3.5", {"CVE-2026-41579"}),
        ("runc", "1.3.6", set()),
        ("runc", "1.4.2", {"CVE-2026-41579"}),
        ("runc", "1.4.3", set()),
        ("runc", "1.6.0", set()),
        ("git", "2.38.1", {"CVE-2024-32002", "CVE-2025-48384"}),
        ("git", "2.39.5", {"CVE-2025-48384"}),
        ("git", "2.43.7", set()),
        ("git", "2.50.0", {"CVE-2025-48384"}),
        ("git", "2.55.0", set()),
        ("kernel", "6.12.84", {"CVE-2026-31431"}),
        ("kernel", "6.12.85", set()),
        ("kernel", "6.1.8", {"CVE-2023-0386", "CVE-2024-1086"}),
        ("kernel", "5.10.100", set()),
        ("kernel", "7.2.13", set()),
    ],
)
def test_versions_of_those_who_make_them(program: str, version: str, names: set[str]) -> None:
    assert _open_to(program, version) == names


@needs_dpkg
@pytest.mark.parametrize(
    ("program", "version", "release", "names"),
    [
        ("runc", "1.1.5+ds1-1", "12", {advisory.name for advisory in TABLE["runc"]}),
        ("runc", "1.1.5+ds1-1+deb12u1", "12", {advisory.name for advisory in TABLE["runc"][1:]}),
        ("runc", "1.1.15+ds1-2+b4", "13", {advisory.name for advisory in TABLE["runc"][2:]}),
        ("runc", "1.1.15+ds1-2+deb13u1", "13", {"CVE-2025-52881"}),
        ("git", "1:2.39.5-0+deb12u2", "12", {"CVE-2025-48384"}),
        ("git", "1:2.39.5-0+deb12u3", "12", set()),
        ("git", "1:2.47.3-0+deb13u1", "13", set()),
    ],
)
def test_versions_of_debian(program: str, version: str, release: str, names: set[str]) -> None:
    assert _open_to(program, version, release) == names


@needs_dpkg
def test_what_to_upgrade_to() -> None:
    say = advisories.remedy
    assert say("runc", Installed("1.1.14")) == "upgrade to 1.3.6, 1.4.3, 1.5.0 or later"
    assert say("git", Installed("1:2.39.5-0+deb12u2", "12")) == "apt-get install git brings 1:2.39.5-0+deb12u3"
    assert say("runc", Installed("1.1.5+ds1-1+deb12u1", "12")) == (
        "Debian 12 has repaired none of them; upgrade to 1.3.6, 1.4.3, 1.5.0 or later"
    )
    assert say("runc", Installed("1.1.15+ds1-2", "13")) == (
        "Debian 13 repairs some by 1.1.15+ds1-2+deb13u1; upgrade to 1.3.6, 1.4.3, 1.5.0 or later"
    )


@pytest.mark.parametrize(
    ("release", "version", "number"),
    [
        ("6.12.48+deb13-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.12.48-1 (2025-09-20)", "6.12.48"),
        ("6.1.0-42-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.159-1 (2025-12-30)", "6.1.159"),
        ("6.18.44-fc", "#1 SMP PREEMPT_DYNAMIC", "6.18.44"),
        ("6.8.0-117-generic", "#117-Ubuntu SMP PREEMPT_DYNAMIC", None),
        ("odd", "", None),
    ],
)
def test_a_kernel_s_number(release: str, version: str, number: str | None) -> None:
    found = advisories.kernel(SimpleNamespace(release=release, version=version))  # type: ignore[arg-type]
    assert (found.version if found else None) == number


def test_the_doctor_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        advisories, "programs", lambda: iter([("runc", Installed("1.3.5")), ("git", Installed("2.55.0"))])
    )
    (finding,) = doctor._advisories()
    assert (finding.mark, finding.subject) == ("warning", "runc's version")
    assert finding.detail == f"1.3.5 is open to CVE-2026-41579 (known on {advisories.ADVISED})"
    assert finding.remedy == "upgrade to 1.3.6, 1.4.3, 1.5.0 or later"


def test_what_is_installed_here_is_found() -> None:
    found = dict(advisories.programs())
    assert all(installed.version[0].isdigit() for installed in found.values())
    if os.path.exists("/var/lib/dpkg/info/git.list") and advisories._debian_release():
        shown = process.run(("dpkg-query", "--show", "--showformat=${Version}", "git")).stdout.decode()
        assert found["git"] == Installed(shown, advisories._debian_release())
