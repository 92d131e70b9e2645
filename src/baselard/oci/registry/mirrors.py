"""Where an image is asked for: its own registry and the mirrors that registries.conf names for it."""

from __future__ import annotations

from dataclasses import dataclass

from baselard.oci.errors import InvalidReferenceError, SettingsError
from baselard.oci.reference import Reference, parse
from baselard.oci.registry import registries_conf
from baselard.oci.registry.registries_conf import Entry, Mirror, Settings


@dataclass(frozen=True)
class Source:
    """A reference as one server knows it. ``insecure``: its certificate is not looked at, and plain HTTP will do."""

    reference: Reference
    insecure: bool = False


def sources(wanted: Reference, settings: Settings) -> tuple[Source, ...]:
    """Where to ask for ``wanted``, one after the other; the last one is its registry itself, or what stands for it.

    Raises SettingsError when pulling it is blocked, or a location makes no reference of it.
    """
    entry = entry_for(wanted, settings)
    if entry is None:
        return (Source(wanted),)
    if entry.blocked:
        raise SettingsError(f"{wanted}: {entry.path} blocks {entry.prefix}")
    unwanted = registries_conf.TAG_ONLY if wanted.digest else registries_conf.DIGEST_ONLY
    places = (*(mirror for mirror in entry.mirrors if mirror.pulls != unwanted), Mirror(entry.location, entry.insecure))
    return tuple(Source(_at(place, wanted, entry), place.insecure) for place in places)


def has_mirror(wanted: Reference, settings: Settings) -> bool:
    """Whether the registry itself is not the only one to be asked: then its own silence says nothing."""
    return sources(wanted, settings) != (Source(wanted),)


def target(wanted: Reference, settings: Settings) -> Source:
    """Where ``wanted`` is written to: its registry itself, as insecure or blocked as its entry says."""
    entry = entry_for(wanted, settings)
    if entry and entry.blocked:
        raise SettingsError(f"{wanted}: {entry.path} blocks {entry.prefix}")
    return Source(wanted, bool(entry and entry.insecure))


def entry_for(wanted: Reference, settings: Settings) -> Entry | None:
    """The entry with the longest prefix of ``wanted``."""
    fitting = [entry for entry in settings.entries.values() if _length(str(wanted), entry.prefix)]
    return max(fitting, key=lambda entry: len(entry.prefix), default=None)


def _length(name: str, prefix: str) -> int:
    """How many characters of ``name`` the prefix stands for; 0 if it is none of its prefixes."""
    if prefix.startswith("*."):
        host = name.partition("/")[0].partition(":")[0]
        return len(host) if host.endswith(prefix[1:]) else 0
    follows = name[len(prefix) : len(prefix) + 1]
    ends = ("", "/", ":", "@") if "/" in prefix else ("", "/")  # after a host, a colon begins another one's port
    return len(prefix) if name.startswith(prefix) and follows in ends else 0


def _at(place: Mirror, wanted: Reference, entry: Entry) -> Reference:
    if not place.location:
        return wanted
    text = place.location + str(wanted)[_length(str(wanted), entry.prefix) :]
    try:
        return parse(text)
    except InvalidReferenceError as error:
        raise SettingsError(f"{entry.path}: the location {place.location!r} is none for {wanted}: {error}") from error
