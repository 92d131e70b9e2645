"""The calls that reach the Dagger API, seen in the chains that the SDK has not sent yet."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import dagger
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselard.dockerfile.apply.builder import MountedTree, Placement
from baselard.dockerfile.dagger.config import configure, hidden
from baselard.dockerfile.dagger.copy import alike
from baselard.dockerfile.dagger.ground import Ground, new_directory
from baselard.dockerfile.dagger.hidden import layout
from baselard.dockerfile.dagger.run import run_step
from baselard.dockerfile.plan.steps import MountStep, RunStep
from baselard.dockerfile.syntax.errors import Place
from baselard.oci.image_config import Healthcheck, ImageConfig

PLACE = Place("Dockerfile", 1)
CLIENT = dagger.Client()


def calls(container: dagger.Container | dagger.Directory) -> list[tuple[str, dict[str, Any]]]:
    return [(field.name, field.args) for field in container._ctx.selections if field.name != "container"]


def names(container: dagger.Container) -> list[str]:
    return [name for name, _ in calls(container)]


def test_only_differences_are_called() -> None:
    before = ImageConfig(env=(("A", "1"), ("B", "2")), user="x", cmd=("c",), exposed_ports=("1/tcp",))
    after = ImageConfig(env=(("A", "1"), ("B", "3")), user="", exposed_ports=("1/tcp", "2/udp"), workdir="/w")
    found = calls(configure(CLIENT.container(), before, after))
    assert found == [
        ("withEnvVariable", {"name": "B", "value": "3"}),
        ("withoutUser", {}),
        ("withWorkdir", {"path": "/w"}),
        ("withExposedPort", {"port": 2, "protocol": "UDP"}),
        ("withoutDefaultArgs", {}),
    ]
    assert calls(configure(CLIENT.container(), after, after)) == []


def test_an_entrypoint_leaves_the_command_alone() -> None:
    found = calls(configure(CLIENT.container(), ImageConfig(cmd=("c",)), ImageConfig(cmd=("c",), entrypoint=("e",))))
    assert found == [("withEntrypoint", {"args": ["e"], "keepDefaultArgs": True})]


def test_healthcheck_durations() -> None:
    check = Healthcheck(("CMD-SHELL", "x"), interval=1_500_000_000, retries=3)
    ((name, args),) = calls(configure(CLIENT.container(), ImageConfig(), ImageConfig(healthcheck=check)))
    assert (name, args["interval"], args["retries"], args["shell"]) == (
        "withDockerHealthcheck",
        "1500000000ns",
        3,
        True,
    )


def ran(step: RunStep, config: ImageConfig, mounts: list[MountedTree[dagger.Directory]]) -> list[tuple[str, Any]]:
    secret = CLIENT.set_secret("s", "x")
    done = run_step(CLIENT, CLIENT.container(), step, config=config, mounts=mounts, secrets={"s": secret}, ssh=None)
    return calls(done)


def test_what_a_run_saw_is_taken_away_again() -> None:
    step = RunStep(PLACE, ("x",), {"ARG": "1", "ENV": "arg"}, {"HTTP_PROXY": "p"})
    mounts: list[MountedTree[dagger.Directory]] = [
        MountedTree(MountStep("tmpfs", "/t", size=7)),
        MountedTree(MountStep("secret", "/s", id="s", env="S")),
    ]
    found = ran(step, ImageConfig(env=(("ENV", "env"),)), mounts)
    after = found[[name for name, _ in found].index("withExec") + 1 :]
    assert after == [
        ("withoutVolatileVariable", {"name": "HTTP_PROXY"}),
        ("withoutEnvVariable", {"name": "ARG"}),
        ("withEnvVariable", {"name": "ENV", "value": "env"}),
        ("withoutSecretVariable", {"name": "S"}),
        ("withoutMount", {"path": "/s"}),
        ("withoutMount", {"path": "/t"}),
    ]


def test_only_the_new_directories_get_an_owner() -> None:
    ground = Ground(CLIENT.container(), "/a/b/c", CLIENT.directory(), "/a/b", False)
    made = ("withNewDirectory", {"path": "/a/b/c", "permissions": 0o755})
    assert calls(new_directory(ground, "/a/b/c", "0:0"))[1:] == [made]
    chown = ("chown", {"path": "/a/b", "owner": "1:1"})
    assert calls(new_directory(ground, "/a/b/c", "1:1"))[1:] == [made, chown]


def test_files_for_one_directory_are_one_call() -> None:
    tree = CLIENT.directory()

    def file(path: str, dest: str = "/x/", mode: str = "") -> Placement[dagger.Directory]:
        return Placement(tree, path, False, dest, mode=mode)

    group = [file("a"), file("b"), file("c", mode="u+x"), file("d", "/y"), Placement(tree, "e", True, "/x/"), file("f")]
    assert [[one.path for one in part] for part in alike(group)] == [["a", "b"], ["c"], ["d"], ["e"], ["f"]]


TEXT = st.text(alphabet="ab/ $\"'\\{}[]é:", min_size=1, max_size=12)


@given(
    st.builds(
        ImageConfig,
        volumes=st.lists(TEXT, max_size=3).map(lambda v: tuple(sorted(set(v)))),
        stop_signal=st.sampled_from(["", "SIGTERM", "9"]),
        shell=st.lists(TEXT, max_size=2).map(tuple),
        onbuild=st.sampled_from([(), ("RUN a $B",), ("COPY a b", "ENV A=1")]),
        exposed_ports=st.sampled_from([(), ("9/sctp",)]),
        healthcheck=st.sampled_from([None, Healthcheck(("NONE",)), Healthcheck(("CMD", "x"), 5, 0, 7, retries=3)]),
        author=st.sampled_from(["", "me"]),
        env=st.dictionaries(st.sampled_from("AB"), TEXT).map(lambda env: tuple(env.items())),
        cmd=st.sampled_from([(), ("c",)]),
    )
)
def test_a_config_survives_its_document(config: ImageConfig) -> None:
    assert ImageConfig.from_json(config.to_json()) == config


def test_the_carrier_of_hidden_keys_is_an_image(tmp_path: Path) -> None:
    """Judged by skopeo: a valid OCI layout with this config and without layers."""
    skopeo = shutil.which("skopeo") or pytest.skip("skopeo is not installed")
    archive = tmp_path / "image.tar"
    archive.write_text(layout(ImageConfig(exposed_ports=("9/sctp",), shell=("é",)), "linux/arm64/v8"))
    argv = [skopeo, "inspect", "--config", "--raw", f"oci-archive:{archive}"]
    document = json.loads(subprocess.run(argv, capture_output=True, check=True).stdout)
    assert document["config"] == {"ExposedPorts": {"9/sctp": {}}, "Shell": ["é"]}
    assert (document["os"], document["architecture"], document["variant"]) == ("linux", "arm64", "v8")
    assert document["rootfs"]["diff_ids"] == []


def test_what_the_api_can_say_is_not_hidden() -> None:
    visible = ImageConfig(
        env=(("A", "1"),), user="x", workdir="/w", cmd=("c",), exposed_ports=("1/tcp",), labels=(("l", "1"),)
    )
    assert hidden(visible) == ImageConfig()
