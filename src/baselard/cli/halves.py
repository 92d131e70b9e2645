"""``call test-examples --share WAY``: a whole way of sharing the bases, on one machine that plays two.

The giving half (``hand-over``) runs on this machine's store, the taking half (``test-examples --bases``) on an empty
one, which goes afterwards. For ``rebuild`` it is the cache that travels. What was pushed is removed in the end.
"""

import json
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from baselard.cli import places, streams
from baselard.cli.chain import Chain
from baselard.engine.api.objects.names import kebab
from baselard.engine.host import process
from baselard.engine.modules.addresses import ObjectAddress
from baselard.engine.store import cachedir

_WAYS = ("registry", "archive", "rebuild")
_ACCOUNT = ("registry", "username", "password")
_GIVEN = ("share", "only", "exclude", "platform", *_ACCOUNT)


def wanted(chain: Chain) -> bool:
    """Whether this command line is about such a way and can go it; the module says what is wrong with any other."""
    last = chain.steps[-1]
    halves = {kebab(function.name) for function in last.owner.functions} >= {"hand-over", "test-examples", "cleanup"}
    way = last.args.get("share")
    complete = (
        way in _WAYS and (way != "registry" or "registry" in last.args) and not {"base", "bases"} & last.args.keys()
    )
    return complete and halves and kebab(last.function.name) == "test-examples"


def run(chain: Chain, words: Sequence[str]) -> int:
    """Give, take, and put away; the exit code. Call with the privilege to remove a store.

    ``words`` are the command line as the history has it.
    """
    last = chain.steps[-1]
    root = places.store_root()
    root.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f"{root.name}-other-", dir=root.parent))  # no overlay can stand on /tmp's
    cachedir.tag(work)
    tag = f"test-share-{secrets.token_hex(6)}"
    try:
        given = work / "given"
        code = _call(chain, "hand-over", last.args, _GIVEN, "--tag", tag, "-o", given)
        if code or (code := int((given / "exit-code").read_text())):
            sys.stderr.write((given / "summary.txt").read_text() if (given / "summary.txt").exists() else "")
            return code
        if last.args["share"] == "rebuild":
            _carry_cache(given / "bases", work)
        rest = tuple(name for name in last.args if name not in ("share", "registry"))
        code = _call(chain, "test-examples", last.args, rest, "--bases", given / "bases", store=work / "store")
        _carry_history(work / "store", words)
        return code
    finally:
        if last.args["share"] == "registry":
            _call(chain, "cleanup", last.args, _ACCOUNT, "--tags", f"{tag}*", "--older-than-days", "0", "--apply")
        shutil.rmtree(work, ignore_errors=True)


def _carry_cache(bases: Path, work: Path) -> None:
    """Take the giving half's results to the other store, and note what that took for the report."""
    cache = work / "cache"
    began = time.monotonic()
    _again("cache", "export", str(cache))
    _again("cache", "import", "--unsigned", str(cache), store=work / "store")
    size = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
    (bases / "cache.json").write_text(json.dumps({"bytes": size, "seconds": round(time.monotonic() - began, 3)}))


def _carry_history(other: Path, words: Sequence[str]) -> None:
    """Keep the other store's runs in this one."""
    from baselard.engine.store import runs  # most calls are not about two stores
    from baselard.engine.store.database import Store

    with closing(Store.open(other)) as source, closing(Store.open(places.store_root())) as store:
        for judged in reversed(runs.listed(source)):
            runs.add(store, replace(judged, words=words))


def _call(
    chain: Chain,
    function: str,
    args: Mapping[str, Any],
    names: tuple[str, ...],
    *more: str | Path,
    store: Path | None = None,
) -> int:
    """Call a function of the same module with those of the arguments; only test-examples has a result to show."""
    kept = {name: args[name] for name in names if name in args}
    options = chain.options
    words = ["--progress", options.progress, *["-q"] * options.quiet]
    words += ["-m", options.module] if options.module else []
    words += [*_words(chain.steps[0].args), function, *_words(kept), *map(str, more)]
    return _again("call", *words, store=store, shown=function == "test-examples")


def _again(*words: str, store: Path | None = None, shown: bool = False) -> int:
    """Run this program once more, perhaps on another store; its streams come out here."""

    def show(stream: int, data: bytes) -> None:
        streams.pass_on(stream if shown else process.STDERR, data)

    env = {**os.environ, **({"BASELARD_STORE": str(store)} if store else {})}
    return process.run([sys.executable, "-I", "-m", "baselard.cli", *words], env=env, on_output=show, check=False).code


def _words(args: Mapping[str, Any]) -> list[str]:
    """Arguments as they are typed; a list's elements one by one, quoted as its commas need it."""
    words = []
    for name, value in args.items():
        for one in value if isinstance(value, list) else [value]:
            listed = isinstance(value, list) and not isinstance(one, ObjectAddress)
            words.append(f"--{kebab(name)}={_text(one, quoted=listed)}")
    return words


def _text(value: Any, *, quoted: bool) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = value.text if isinstance(value, ObjectAddress) else str(value)
    doubled = text.replace('"', '""')
    return f'"{doubled}"' if quoted else text
