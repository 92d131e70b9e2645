"""BuildKit's advisories, from the two releases of January 2024 to 0.32.1, in the shapes that this engine could have.

What was wrong is told by the advisories of github.com/moby/buildkit, by golang/vulndb, and by the commits between the
tags v0.28.0, v0.28.1, v0.31.0, v0.31.2 and v0.32.1.
"""

import contextlib
import posixpath
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from baselard.engine.errors import EngineError, UserError
from baselard.engine.host import git as host_git
from baselard.engine.host.git_command import Access
from baselard.engine.ops.file import Remove
from baselard.engine.run.containers import runtime_spec
from baselard.engine.run.containers.command import CacheMount, CacheSharing, TmpfsMount
from baselard.engine.solver.graph import Output, Value
from tests.integration.engine.conftest import Client, Ready
from tests.security.archives import DIRECTORY, HARD_LINK, REGULAR, SYMLINK, tar
from tests.security.canary import SECRET, Canary
from tests.security.servers import git, git_daemon, repository, web

pytestmark = pytest.mark.root

_SHOWN = "stdout"  # of the last command

MALFORMED = [
    '{loadContainerFromID(id:"%s"){sync}}',
    '{loadDirectoryFromID(id:"%s"){entries}}',
    '{loadSecretFromID(id:"%s"){plaintext}}',
    '{container{withDirectory(path:"/",source:"%s"){sync}}}',
    '{container{withMountedCache(path:"/c",cache:"%s"){sync}}}',
]


def _is_told_or_inside(answer: dict[str, Any]) -> None:
    """A path that climbs ends at the tree's root, as in Dagger: what is there has a name in the tree."""
    if "errors" in answer:
        _is_told(answer)
        return
    ((made,),) = (step["entries"] for step in answer["data"]["directory"].values())
    assert made.strip("/") and ".." not in made and "/" not in made.rstrip("/")


def _is_told(answer: dict[str, Any]) -> str:
    """The error of an answer, which is one of the user's and no bug of ours."""
    assert "errors" in answer, answer
    said = "; ".join(error["message"] for error in answer["errors"])
    assert "internal error" not in said
    return said


@pytest.mark.advisory("CVE-2024-23650", "a malformed request of a client ended the daemon")
@pytest.mark.parametrize("query", MALFORMED)
def test_a_malformed_id_is_an_answer_and_the_engine_goes_on(engine: Client, query: str) -> None:
    for given in ("", "x", "-1", "=" * 500, "Q29udGFpbmVyQHNoYTI1Njo", "../../etc/passwd", "\\u0000", "ñ"):
        _is_told(engine.ask(query % given))
    assert engine.value("directory", 'withNewFile(path:"a",contents:"1")', "entries") == ["a"]


@pytest.mark.advisory("CVE-2024-23651", "two steps with a cache's subpath: a link in it led to the host")
def test_a_caches_source_leads_nowhere_outside(build: Callable, canary: Canary) -> None:  # type: ignore[type-arg]
    cache = "RUN --mount=type=cache,id=c23651,target=/c"
    shown = build(
        f"FROM busybox\n{cache} ln -sfn {canary.path} /c/out; ls -l /c\n"
        f"{cache},source=out ls -a /c /c/ | cat; cat /c/data || true\n"
        f"RUN --mount=type=bind,from=busybox,source=/,target=/b ls /b; ln -s {canary.path} /esc\n"
        "RUN --mount=type=cache,id=d23651,from=busybox,source=bin,target=/d ls /d",
        _SHOWN,
    )
    assert SECRET not in str(shown)


@pytest.mark.advisory("CVE-2024-23652", "cleaning up a mount point removed a file of the host through a link")
@pytest.mark.parametrize("target", ["/x/etc/hosts", "/x/empty", "/x/empty/deeper", "/x/etc"])
@pytest.mark.parametrize("there", [False, True])
def test_cleaning_up_a_mount_point_follows_no_link(run, image, canary, target: str, there: bool) -> None:
    """The program puts a link in the place of the mount point's parent; the canary has such empty entries."""

    def made(root: Path) -> None:
        if there:
            (root / "x/etc").mkdir(parents=True)

    line = f"mv /x /elsewhere && ln -s {canary.path} /x && ls /x/"
    try:
        run(line, rootfs=image(made), mounts=(TmpfsMount(target),))
    except EngineError as error:
        assert str(error)


@pytest.mark.advisory("CVE-2024-23653", "a container started by another part of the API had more privileges")
def test_whoever_starts_a_program_gives_it_the_same_privileges(run, worker, image) -> None:
    ran = run("grep -e ^Cap -e ^Seccomp: /proc/self/status")
    lines = dict(line.split(":\t") for line in ran.stdout.splitlines())
    assert int(lines["CapBnd"], 16) & ~0xA80425FB == 0
    assert int(lines["CapInh"], 16) == int(lines["CapAmb"], 16) == 0
    assert lines["Seccomp"] == "2"
    spec = runtime_spec.Spec(Path("/"), ("true",), {}, "/proc/self/ns/net")
    whole, one_more = runtime_spec.config(spec, "/c"), runtime_spec.process(spec)
    assert whole["process"]["capabilities"] == one_more["capabilities"]
    assert {"seccomp", "maskedPaths", "readonlyPaths"} <= whole["linux"].keys()


@pytest.mark.advisory("GHSA-7236-3392-c5c6", "an unknown security mode switched seccomp off (0.31.1)")
@pytest.mark.parametrize("mode", ["unconfined", "INSECURE ", "2", "", "sandbox,insecure", "none"])
def test_an_unknown_security_mode_is_refused(build: Callable, mode: str) -> None:  # type: ignore[type-arg]
    assert "Dockerfile:5" in _is_told(build(f"FROM busybox\nRUN --security={mode} cat /proc/self/status"))


@pytest.mark.advisory("GHSA-72x6-4j93-7w86", "a huge /etc/passwd filled the builder's memory (0.31.1)")
@pytest.mark.parametrize("name", ["passwd", "group"])
def test_a_huge_passwd_costs_no_memory(run, image, name: str) -> None:
    def huge(root: Path) -> None:
        with (root / "etc" / name).open("ab") as file:
            file.truncate(256 << 20)

    rootfs = image(huge)
    tracemalloc.start()
    with contextlib.suppress(UserError):  # too large to look a user up in
        run("true", rootfs=rootfs, user="1000:1000")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 << 20


@pytest.mark.advisory("CVE-2026-33747", "names in a front end's message became paths outside of the state directory")
@pytest.mark.parametrize("name", ["{canary}", "../x", "/etc", "a/../../b", ".."])
def test_names_in_requests_never_become_paths(engine: Client, run, worker, canary: Canary, name: str) -> None:
    name = name.format(canary="../" * 12 + str(canary.path).lstrip("/"))
    _is_told(engine.ask(f'{{http(url:"http://127.0.0.1:1/x",name:"{name}"){{name}}}}'))
    for query in (
        f'{{directory{{withNewFile(path:"../{name}",contents:"x"){{entries}}}}}}',
        f'{{directory{{withNewDirectory(path:"/../{name}"){{entries}}}}}}',
        f'{{directory{{withSymlink(linkName:"x/../../{name}",target:"y"){{entries}}}}}}',
    ):
        _is_told_or_inside(engine.ask(query))
    caches = worker.store.root / "caches"
    run("touch /c/mark", mounts=(CacheMount("/c", name, CacheSharing.SHARED),))
    (made,) = [path for path in caches.iterdir() if (path / "data/mark").exists()]
    (made / "data/mark").unlink()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory):
    """A directory whose repositories are served, and the address of it."""
    root = tmp_path_factory.mktemp("served")
    with git_daemon(root) as address:
        yield root, address


@pytest.mark.advisory("CVE-2026-33748", "the subdirectory of a git address led out of the checkout")
@pytest.mark.parametrize("subdir", ["../../../../..", "out", "out/etc", "sub/../../..", "/out"])
def test_a_git_addresss_subdirectory_stays_in_the_checkout(build, served, canary: Canary, subdir: str) -> None:
    root, address = served
    if not (root / "subdirs").exists():
        repository(root / "subdirs", {"sub/file": "inside"})
    if not (root / "subdirs/out").is_symlink():
        (root / "subdirs/out").symlink_to("/etc")
        git(root / "subdirs", "add", "--all")
        git(root / "subdirs", "commit", "-qm", "two")
    answer = build(
        f"FROM busybox\nADD {address}/subdirs#main:{subdir} /got/\nRUN cat /got/passwd /got/fstab; ls /got",
        _SHOWN,
    )
    assert "root:" not in str(answer)
    assert "errors" in answer or "passwd" not in str(answer)


OPTION = "--upload-pack=touch {}"
OPTION_LIKE = "a ref that looked like an option became one of git (0.31.2)"


@pytest.mark.advisory("GHSA-hw3h-2gp9-cxpv", OPTION_LIKE)
def test_git_takes_no_ref_for_an_option(tmp_path: Path, canary: Canary) -> None:
    path = repository(tmp_path / "repository", {"file": "x"})
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(UserError):
        host_git.check_out(Access(str(path)), OPTION.format(canary.path / "touched"), into=into, depth=1, tags=False)


@pytest.mark.advisory("GHSA-hw3h-2gp9-cxpv", OPTION_LIKE)
def test_a_dockerfiles_ref_is_no_option(build, served, canary: Canary) -> None:
    root, address = served
    repository(root / "option", {"file": "x"})
    ref = OPTION.format(canary.path / "touched").replace(" ", "${IFS}")
    _is_told(build(f"FROM busybox\nADD {address}/option#{ref} /got/\nRUN ls /got"))


@pytest.mark.advisory("GHSA-hw3h-2gp9-cxpv", OPTION_LIKE)
def test_a_remotes_head_is_no_option(engine: Client, tmp_path: Path, canary: Canary) -> None:
    path = repository(tmp_path / "repository", {"file": "x"})
    name = "refs/heads/" + OPTION.format("x")
    (path / ".git" / "refs/heads" / OPTION.format("x")).write_text(git(path, "rev-parse", "HEAD") + "\n")
    (path / ".git/HEAD").write_text(f"ref: {name}\n")
    answer = engine.ask(f'{{git(url:"{path}"){{head{{tree{{entries}}}}}}}}')
    if "errors" in answer:
        _is_told(answer)


NEGATIVE = [
    'directory{withNewFile(path:"a",contents:"1"){file(path:"a"){contents(offsetLines:-1)}}}',
    'directory{withNewFile(path:"a",contents:"1"){file(path:"a"){contents(limitLines:-1)}}}',
    'directory{withNewFile(path:"a",contents:"1",permissions:-1){entries}}',
    'directory{withNewDirectory(path:"a",permissions:-2147483648){entries}}',
    'directory{withNewFile(path:"a",contents:"1"){search(pattern:"1",limit:-1){filePath}}}',
    'directory{withNewFile(path:"a",contents:"1"){withTimestamps(timestamp:-2147483648){digest}}}',
    "container{withExposedPort(port:-1){exposedPorts{port}}}",
    "container{withExposedPort(port:70000){exposedPorts{port}}}",
]


@pytest.mark.advisory("GHSA-qx3x-mv6r-52p6", "negative indexes in a request ended the daemon (0.31.2)")
@pytest.mark.parametrize("query", NEGATIVE)
def test_negative_numbers_are_told_or_taken_and_nothing_ends(engine: Client, query: str) -> None:
    answer = engine.ask("{" + query + "}")
    if "errors" in answer:
        _is_told(answer)
    assert engine.value("directory", "entries") == []


@pytest.mark.advisory("GHSA-32pv-7hq5-qhwq", "a removal through a parent emptied a directory outside (0.31.2)")
@pytest.mark.parametrize(
    "path", ["..", "../..", "a/../..", "../canary", "link/data", "link/../canary/data", "/../canary"]
)
def test_a_removal_stays_in_its_tree(worker, canary: Canary, path: str) -> None:
    """BuildKit's own cases (backend_test.go), and links to the canary."""
    with worker.snapshots.layer(None) as draft:
        (draft.path / "a").mkdir()
        (draft.path / "link").symlink_to(canary.path)
        value = Value("tree", draft.commit())
    node = Remove(Output(Ready(value)), (path,))
    try:
        done = node.run(worker, [value])
    except UserError as error:
        assert "climbs out" in str(error)
        return
    with worker.snapshots.view(done.values[0].tree) as root:
        whole = posixpath.normpath(f"/{path}") == "/"  # a path that climbs ends at the tree's root, as in Dagger
        assert {entry.name for entry in root.iterdir()} == (set() if whole else {"a", "link"})


@pytest.mark.advisory("GHSA-g2h8-426c-7976", "a client's upload went past the check of its directory (0.31.2)")
def test_what_is_exported_goes_through_no_link(engine: Client, tmp_path: Path, canary: Canary) -> None:
    """The target holds links where the tree has directories and files."""
    target = tmp_path / "target"
    target.mkdir()
    (target / "etc").symlink_to(canary.path / "etc")
    (target / "data").symlink_to(canary.path / "data")
    new = 'withNewFile(path:"etc/passwd",contents:"mine"){withNewFile(path:"data",contents:"mine")'
    query = f'{{directory{{{new}{{export(path:"{target}")}}}}}}}}'
    assert engine.get(query) == str(target)
    assert (target / "data").read_text() == "mine"
    assert not (target / "data").is_symlink()
    assert (target / "etc/passwd").read_text() == "mine"


@pytest.mark.advisory("moby/buildkit@9ce6f62ac", "the name of a downloaded file was a path (0.28.1)")
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("..", "download"),
        ("%2e%2e", "download"),
        ("..%2f..%2fx", "x"),
        ("%2fetc%2fpasswd", "passwd"),
        ("a%00b", "download"),
        ("a%0ab", "download"),
        (".", "__unnamed__"),
        ("%2e", "__unnamed__"),
        ("", "d"),
    ],
)
def test_the_name_of_a_downloaded_file_is_a_name(build, path: str, name: str) -> None:
    """Named as BuildKit does (SafeFileName), whatever the server's Content-Disposition says."""
    with web(b"downloaded", {"content-disposition": 'attachment; filename="../../x"'}) as address:
        answer = build(f"FROM busybox\nADD {address}/d/{path} /got/\nRUN cat /got/*; ls /got", _SHOWN)
    assert answer["data"]["host"]["directory"]["dockerBuild"]["stdout"] == f"downloaded{name}\n"


@pytest.mark.advisory("moby/moby#53258", "ADD of an archive failed where the base has absolute links (0.32.1)")
def test_an_added_archive_leaves_its_image_through_no_link(build, canary: Canary) -> None:
    """After BuildKit's regression test, where the archive fills /var/run → /run; and a link outside."""
    rootfs = tar(
        ("run/", DIRECTORY, ""),
        ("var/", DIRECTORY, ""),
        ("var/run", SYMLINK, "/run"),
        ("out", SYMLINK, str(canary.path)),
    )
    payload = tar(
        ("var/run/act/", DIRECTORY, ""),
        ("var/run/act/HEAD", REGULAR, "ref"),
        ("var/run/act/HEAD.link", HARD_LINK, "var/run/act/HEAD"),
        ("out/data", REGULAR, "overwritten"),
    )
    lines = "FROM busybox\nADD rootfs.tar /\nADD payload.tar /\nRUN cat /var/run/act/HEAD.link /out/data"
    answer = build(lines, _SHOWN, **{"rootfs.tar": rootfs, "payload.tar": payload})
    assert answer["data"]["host"]["directory"]["dockerBuild"]["stdout"] == "refoverwritten"
