"""One name in the spellings of the API, of Python and of the command line."""

import re


def camel(name: str) -> str:
    """``list_all`` and ``list-all`` as the API has it: ``listAll``."""
    head, *rest = re.split(r"[-_]", name)
    return head[:1].lower() + head[1:] + "".join(word[:1].upper() + word[1:] for word in rest)


def kebab(name: str) -> str:
    """``listAll2`` or ``list_all2`` as Dagger's command line has it: ``list-all-2``."""
    parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)
    return "-".join(part.lower() for part in parts)


def snake_case(name: str) -> str:
    """``useEntrypoint`` as ``use_entrypoint``, ``maxAPICalls`` as ``max_api_calls``."""
    out: list[str] = []
    for i, letter in enumerate(name):
        after_lower = letter.isupper() and i > 0 and not name[i - 1].isupper()
        before_word = letter.isupper() and i > 0 and name[i + 1 : i + 2].islower()
        out.append(("_" if after_lower or before_word else "") + letter.lower())
    return "".join(out)
