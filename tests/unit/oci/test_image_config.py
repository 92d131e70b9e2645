"""Image configurations survive reading and writing."""

import pytest

from baselard.engine.errors import UserError
from baselard.engine.images import manifest
from baselard.oci.errors import InvalidConfigError
from baselard.oci.image_config import Healthcheck, History, ImageConfig
from baselard.oci.platforms import Platform

FULL = {
    "created": "2025-01-01T00:00:00Z",
    "author": "somebody",
    "architecture": "arm64",
    "os": "linux",
    "config": {
        "User": "node:node",
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
        "Env": ["PATH=/bin", "Z=1", "A=b=c", "EMPTY="],
        "Entrypoint": ["/init"],
        "Cmd": ["serve", ""],
        "Volumes": {"/data": {}},
        "WorkingDir": "/srv",
        "Labels": {"b": "2", "a": "1"},
        "StopSignal": "SIGINT",
        "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 5, "Timeout": 4, "StartPeriod": 3, "Retries": 2},
        "OnBuild": ["RUN true"],
        "Shell": ["/bin/bash", "-c"],
    },
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + "0" * 64]},
    "history": [{"created": "2025-01-01T00:00:00Z", "created_by": "ADD", "empty_layer": True}],
}


def test_every_field_survives_the_round_trip_in_its_order() -> None:
    config = ImageConfig.from_json(FULL)
    assert config.to_json() == FULL
    assert [name for name, _ in config.env] == ["PATH", "Z", "A", "EMPTY"]
    assert config.env_value("A") == "b=c"
    assert config.healthcheck == Healthcheck(("CMD-SHELL", "true"), 5, 4, 3, retries=2)
    assert config.history == (History("ADD", "2025-01-01T00:00:00Z", empty_layer=True),)


def test_changing_a_variable_keeps_its_place_and_a_new_one_goes_last() -> None:
    config = ImageConfig(env=(("A", "1"), ("B", "2")))
    assert config.with_env("A", "3").with_env("C", "4").env == (("A", "3"), ("B", "2"), ("C", "4"))
    assert config.without_env("A").without_env("absent").env == (("B", "2"),)


def test_absent_and_null_are_the_same_as_empty() -> None:
    bare = ImageConfig.from_json({"architecture": "amd64", "os": "linux", "config": {"Env": None, "Cmd": None}})
    assert bare == ImageConfig(Platform("linux", "amd64"))


@pytest.mark.parametrize("data", [None, [], "x", {}, {"architecture": "amd64", "config": {"Env": [1]}}])
def test_what_is_no_configuration_is_refused(data: object) -> None:
    with pytest.raises(InvalidConfigError, match="configuration"):
        ImageConfig.from_json(data)
    with pytest.raises(UserError, match="configuration"):
        manifest.config_of(data)
