"""``--last-failed`` and ``--failed-first``: the examples that failed when they were tested last, by the history."""

import glob
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from baselard.cli.chain import Chain
from baselard.engine.api.objects.reachable import Step
from baselard.engine.errors import UserError
from baselard.engine.store import runs
from baselard.engine.store.database import Store

if TYPE_CHECKING:  # the module's own process is not needed to read a command line
    from baselard.engine.modules.walk import Walk
    from baselard.oci.text import JSON


@dataclass(frozen=True)
class Choice:
    """A choice of examples by the history. ``listing`` is the function that lists examples, ``at`` the step that
    tests them; ``place`` is the tree."""

    place: str
    steps: Sequence[Step]
    at: int
    listing: Step
    only: bool


def wanted(chain: Chain, place: str) -> Choice | None:
    """The choice that a command line leaves to the history, if it does. Raises UserError where it cannot."""
    asked = [name for name in ("last_failed", "failed_first") if getattr(chain.options, name)]
    if not asked:
        return None
    flag = " and ".join(f"--{name.replace('_', '-')}" for name in asked)
    able = (at for at, step in enumerate(chain.steps) if {"only", "first"} <= {arg.name for arg in step.function.args})
    at = next(able, -1)
    owner = chain.steps[at].owner
    listing = next((function for function in owner.functions if function.name == "examples"), None)
    if at < 0 or listing is None:
        raise UserError(f"{flag} is for functions that test examples: test-examples and report")
    if chain.options.last_failed and "only" in chain.steps[at].args:
        raise UserError("--last-failed chooses the examples itself: leave --only out, or write --failed-first")
    return Choice(place, chain.steps, at, Step(owner, listing, {"format": "json"}), chain.options.last_failed)


async def steps(choice: Choice, walk: "Walk", state: "JSON", say: Callable[[str], None]) -> list[Step]:
    """The steps after the constructor with the examples that the history names; none where there is nothing to do.

    ``state`` is what the constructor made. Raises UserError where nothing was tested before.
    """
    known = [entry["name"] for entry in json.loads(str(await walk.run([choice.listing], state=state)))]
    last = latest(walk.memory.store, choice.place)
    if not set(known) & last.keys():
        if choice.only:
            raise UserError(f"no test of an example of {choice.place} is recorded: leave --last-failed out this time")
        say("no test of an example is recorded yet: all are tested in their order")
    failed = [name for name in known if last.get(name)]
    if failed:
        say(f"failed when tested last: {', '.join(failed)}")
    elif choice.only:
        say("no example failed when it was tested last: there is nothing to do")
        return []
    return [_chosen(step, failed, choice) if at == choice.at else step for at, step in enumerate(choice.steps)][1:]


def latest(store: Store, place: str) -> dict[str, bool]:
    """Whether what was judged under each name failed the last time that it was not skipped."""
    found: dict[str, bool] = {}
    for run in runs.listed(store, place):
        for judgement in run.judgements:
            if judgement.verdict != "skipped":
                found.setdefault(judgement.name, judgement.blocks)
    return found


def _chosen(step: Step, failed: Sequence[str], choice: Choice) -> Step:
    if choice.only:
        return replace(step, args={**step.args, "only": [glob.escape(name) for name in failed]})
    asked = step.args.get("first")
    return replace(step, args={**step.args, "first": [*failed, *(asked if isinstance(asked, list) else [])]})
