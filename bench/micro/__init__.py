"""The micro scenarios, in the order of the table."""

from bench.method import Scenario
from bench.micro import calls, execs, images, peers, queries, services, trees

SCENARIOS: tuple[Scenario, ...] = (
    *calls.SCENARIOS,
    *execs.SCENARIOS,
    *services.SCENARIOS,
    *queries.SCENARIOS,
    *trees.SCENARIOS,
    *images.SCENARIOS,
    *peers.SCENARIOS,
)
