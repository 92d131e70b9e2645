"""The `created_by` texts that docker writes into an image's history."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from dockerfile.instructions import Copy


def quoted(words: Sequence[str]) -> str:
    """Go's %q of a list of strings."""
    return "[" + " ".join(json.dumps(word, ensure_ascii=False) for word in words) + "]"


def ran(args: Sequence[str], build_args: Mapping[str, str], scope: Mapping[str, str]) -> str:
    """A RUN's text: the build args in force, counted, then the command line."""
    known = [f"{key}={scope.get(key, value)}" for key, value in build_args.items()]
    count = [f"|{len(known)}"] if known else []
    return "RUN " + " ".join([*count, *known, *args]) + " # buildkit"


def copied(copy: Copy) -> str:
    """A COPY's or ADD's text, after expansion."""
    words = ["ADD" if copy.add else "COPY"]
    words += ["--parents"] if copy.parents else []
    words += [f"--chown={copy.chown}"] if copy.chown else []
    words += [f"--chmod={copy.chmod}"] if copy.chmod else []
    words += [*copy.sources, *(f"<<{doc.name}" for doc in copy.heredocs), copy.dest]
    return " ".join(words) + " # buildkit"
