"""Sessions of one engine process share the store, and no network."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

from baselard.cli.start import Engine
from baselard.engine.progress.display import Quiet
from baselard.engine.run.containers.host import HostEnvironment
from baselard.engine.run.terminal import Absent
from baselard.engine.solver.evaluate import Flights
from baselard.engine.store.database import Store


def test_each_session_has_a_network_and_services_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("BASELARD_RUN", str(tmp_path / "run"))
    with (
        contextlib.closing(Store.open(tmp_path / "store")) as store,
        contextlib.ExitStack() as machines,
        ThreadPoolExecutor(1) as executor,
        contextlib.ExitStack() as services,
    ):
        engine = Engine(store, HostEnvironment(), Flights(), executor, Quiet(), Absent(), services, machines)
        one, other = (engine.session(tmp_path).state.evaluator.worker for _ in range(2))
        assert one.network.run_dir.name != other.network.run_dir.name
        assert one.runtime.run_dir is one.network.run_dir
        assert one.services is not other.services
        assert one.store is other.store
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["all"]
