"""Values that gossfiles know as `.Vars`: a file and values written down, as goss takes them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pipeline.config.config import FILE, Variables

if TYPE_CHECKING:  # a plan needs no SDK
    import dagger

# In the words of Go's text/template, as goss prints them.
_MISSING = re.compile(r'<(\.Vars[^>]*)>: map has no entry for key "([^"]*)"')
_FILE = re.compile(r"could not read json data in ([^:\n]+):")
NAME, INLINE = "goss-main-vars", "goss-main-vars-inline"


def mount(directory: dagger.Directory, variables: Variables, file: dagger.File | None) -> dagger.Directory:
    """The directory with what run.sh hands to goss."""
    if file is not None:
        directory = directory.with_file(NAME, file)
    return directory.with_new_file(INLINE, inline(variables)) if variables.inline else directory


def inline(variables: Variables) -> str:
    """The values written down, as JSON; empty when there are none."""
    return json.dumps(variables.inline) if variables.inline else ""


def explained(message: str) -> str:
    """goss's words, and what to do when they are about a variable that has no value."""
    if not (match := _MISSING.search(message)):
        return message
    where = _FILE.search(message)
    return (
        f"{f'{where[1]} ' if where else ''}asks for {{{{ {match[1]} }}}}, and {match[2]} has no value: "
        f"give it one by `vars` of this example or base in {FILE}, a file or values"
    )
