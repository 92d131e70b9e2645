"""Containers as values: every change makes a new one, and says what is wrong at once."""

from dataclasses import replace

import pytest

from baselard.engine.api.objects import mounts
from baselard.engine.api.objects.caches import CacheVolume
from baselard.engine.api.objects.container import Container
from baselard.engine.api.objects.directory import EMPTY, Directory
from baselard.engine.api.objects.execution import ExecOptions, as_service, program, with_exec
from baselard.engine.api.objects.secrets import Secret
from baselard.engine.errors import UserError
from baselard.engine.run.containers.command import (
    BindMount,
    CacheMount,
    CacheSharing,
    SecretMount,
    SecretRef,
    TmpfsMount,
)
from baselard.engine.solver.graph import Output
from baselard.oci.image_config import DEFAULT_PATH, Healthcheck, ImageConfig

BARE = Container(EMPTY, ImageConfig())
TREE = Directory(EMPTY).with_new_file("x", "1")
SECRET = Secret(SecretRef("name:main:s", "handle"))


def test_changes_make_new_containers() -> None:
    changed = BARE.with_env_variable("A", "1").with_env_variable("B", "2").with_env_variable("A", "3")
    assert changed.config.env == (("A", "3"), ("B", "2"))
    assert BARE.config.env == ()


@pytest.mark.parametrize(("name", "value"), [("", "x"), ("A=B", "x"), ("A\0", "x"), ("A", "x\0")])
def test_what_cannot_be_a_variable(name: str, value: str) -> None:
    with pytest.raises(UserError):
        BARE.with_env_variable(name, value)
    with pytest.raises(UserError):
        BARE.with_volatile_variable(name, value)


def test_secret_and_volatile_variables_replace_by_name() -> None:
    other = Secret(SecretRef("name:main:t", "other"))
    changed = BARE.with_secret_variable("S", SECRET).with_secret_variable("S", other)
    assert changed.secret_env == (("S", other.ref),)
    assert changed.without_secret_variable("S").secret_env == ()
    assert BARE.with_volatile_variable("V", "1").with_volatile_variable("V", "2").volatile_env == (("V", "2"),)


def test_expansion_refuses_secrets() -> None:
    changed = BARE.with_env_variable("A", "1").with_secret_variable("S", SECRET)
    assert changed.expand("$A") == "1"
    assert changed.expand("$S", wanted=False) == "$S"
    with pytest.raises(UserError, match='secret env variable "S"'):
        changed.expand("${S}")


def test_paths_start_at_the_working_directory_and_stay_inside() -> None:
    inside = BARE.configured(lambda config: replace(config, workdir="/a/b"))
    assert [inside.absolute(path) for path in ("c", "../c", "/c", ".")] == ["/a/b/c", "/a/c", "/c", "/a/b"]
    assert inside.absolute("../../../c") == "/c"


def test_ports_of_the_container_come_before_those_of_its_image() -> None:
    image = Container(EMPTY, ImageConfig(exposed_ports=("80/tcp", "53/udp")))
    changed = image.with_exposed_port(8080).with_exposed_port(80, description="web")
    assert [(port.spec, port.description) for port in changed.exposed_ports] == [
        ("8080/tcp", None),
        ("80/tcp", "web"),
        ("53/udp", None),
    ]
    assert [port.spec for port in changed.without_exposed_port(53, "UDP").exposed_ports] == ["8080/tcp", "80/tcp"]


def test_where_a_path_lives() -> None:
    mounted = mounts.with_mount(BARE, BindMount("/m", TREE.output, "/"))
    nested = mounts.with_mount(mounted, BindMount("/m/in", EMPTY, "/sub"))
    assert mounts.locate(nested, "/other").mount is None
    assert mounts.locate(nested, "/m/x").whole == "/x"
    assert mounts.locate(nested, "/m/in/y").whole == "/sub/y"
    assert mounts.locate(nested, "/mx").mount is None


def test_a_later_mount_at_the_same_place_counts() -> None:
    twice = mounts.with_mount(mounts.with_mount(BARE, TmpfsMount("/t")), TmpfsMount("/t", 10))
    assert twice.mounts == (TmpfsMount("/t", 10),)
    assert mounts.without_mount(twice, "/t").mounts == ()
    assert mounts.without_mount(BARE, "/t") == BARE


def test_paths_in_mounts_without_a_tree_cannot_be_had() -> None:
    """core/container.go, locatePath: secrets and sockets are there for commands alone."""
    cached = mounts.with_mount(BARE, CacheMount("/c", "volume"))
    with pytest.raises(UserError, match="/c/x: cannot retrieve path from cache"):
        mounts.locate(cached, "/c/x")
    secret = mounts.with_mount(BARE, SecretMount("/s", SECRET.ref, "", 0o400))
    assert mounts.locate(secret, "/s").mount is None


def test_writing_where_a_mount_is_changes_the_mount_alone() -> None:
    mounted = mounts.with_mount(BARE, BindMount("/m", TREE.output, "/"))
    place = mounts.locate(mounted, "/m/n")
    changed = mounts.changed(mounted, place, place.directory.with_new_file(place.path, ""))
    assert changed.rootfs is mounted.rootfs
    assert changed.mounts[0] != mounted.mounts[0]


def test_a_command_carries_its_writable_mounts_on() -> None:
    both = mounts.with_mount(BARE, BindMount("/r", TREE.output, "/", readonly=True))
    both = mounts.with_mount(both, BindMount("/w", TREE.output, "/"))
    done = with_exec(both, ["true"], ExecOptions())
    assert done.last is not None
    assert done.rootfs == Output(done.last)
    read, written = done.mounts
    assert read == both.mounts[0]
    assert isinstance(written, BindMount)
    assert written.source == Output(done.last, 1)


def test_equal_commands_have_equal_keys_and_volatile_values_do_not_count() -> None:
    def key(container: Container) -> str:
        last = with_exec(container, ["true"], ExecOptions()).last
        assert last is not None
        return last.key

    assert key(BARE) == key(BARE)
    assert key(BARE.with_volatile_variable("V", "1")) == key(BARE.with_volatile_variable("V", "2"))
    assert key(BARE.with_volatile_variable("HTTP_PROXY", "http://x")) == key(BARE)
    assert key(BARE.with_env_variable("V", "1")) != key(BARE.with_env_variable("V", "2"))
    other = Secret(SecretRef(SECRET.ref.identity, "another handle"))
    assert key(BARE.with_secret_variable("S", SECRET)) == key(BARE.with_secret_variable("S", other))


def test_what_is_run() -> None:
    image = BARE.with_entrypoint(("e",), keep_default_args=True).with_default_args(("d",))
    assert program(image, [], ExecOptions()) == ("d",)
    assert program(image, ["a"], ExecOptions()) == ("a",)
    assert program(image, ["a"], ExecOptions(use_entrypoint=True)) == ("e", "a")
    with pytest.raises(UserError, match="no command has been set"):
        program(BARE, [], ExecOptions())
    with pytest.raises(UserError, match="both stdin and redirectStdin"):
        with_exec(BARE, ["cat"], ExecOptions(stdin="a", redirect_stdin="/b"))


def test_path_is_added_only_where_there_is_none() -> None:
    bare, own = (
        with_exec(one, ["true"], ExecOptions()).last for one in (BARE, BARE.with_env_variable("PATH", "/mine"))
    )
    assert ("PATH", DEFAULT_PATH) in bare.command.env  # type: ignore[attr-defined]
    assert own.command.env == (("PATH", "/mine"),)  # type: ignore[attr-defined]


def test_what_a_service_runs() -> None:
    image = Container(EMPTY, ImageConfig(entrypoint=("e",), cmd=("c",)))
    explicit = image.with_default_args(("d",))
    assert as_service(image, [], ExecOptions()).command.args == ("e", "c")
    assert as_service(explicit, [], ExecOptions()).command.args == ("d",)
    assert as_service(image, ["a"], ExecOptions()).command.args == ("a",)
    assert as_service(image, ["a"], ExecOptions(use_entrypoint=True)).command.args == ("e", "a")
    with pytest.raises(UserError, match="no service command has been set"):
        as_service(replace(BARE), [], ExecOptions())


def test_services_listen_on_the_containers_ports_not_the_images() -> None:
    image = Container(EMPTY, ImageConfig(exposed_ports=("80/tcp",), cmd=("c",)))
    assert as_service(image, [], ExecOptions()).ports == ()
    (port,) = as_service(image.with_exposed_port(81, experimental_skip_healthcheck=True), [], ExecOptions()).ports
    assert (port.port, port.checked) == (81, False)


def test_another_source_owner_or_sharing_is_another_cache() -> None:
    plain = CacheVolume("k", "main")
    same = plain.specialised(source=None, sharing=None, owner="")
    others = [
        CacheVolume("k", "module"),
        plain.specialised(source=TREE, sharing=None, owner=""),
        plain.specialised(source=None, sharing=CacheSharing.LOCKED, owner=""),
        plain.specialised(source=None, sharing=None, owner="user"),
    ]
    assert same.volume == plain.volume
    assert len({plain.volume, *(other.volume for other in others)}) == 5


def test_a_health_check_of_one_line_is_run_by_the_images_own_shell() -> None:
    """As by docker and a Dagger engine; without one by /bin/sh."""
    plain = Healthcheck(("CMD-SHELL", "test -e /ready"), retries=2)
    container = Container(EMPTY, ImageConfig(cmd=("serve",), healthcheck=plain))
    assert as_service(container, (), ExecOptions()).healthcheck == plain
    shelled = container.configured(lambda config: replace(config, shell=("/bin/bash", "-ec")))
    words = ("CMD", "/bin/bash", "-ec", "test -e /ready")
    assert as_service(shelled, (), ExecOptions()).healthcheck == Healthcheck(words, retries=2)
