"""Where an image is asked for: its own registry and the mirrors that registries.conf names for it."""

from __future__ import annotations

from dataclasses import dataclass

from baselard.oci.errors import InvalidReferenceError, SettingsError
from baselard.oci.reference import Reference, parse
from baselard.oci.registry import registries_conf
from baselard.oci.registry.registries_conf import Mirror, RegistryRule, Settings


@dataclass(frozen=True)
class Endpoint:
    """A reference as one server knows it. ``insecure``: its certificate is not looked at, and plain HTTP will do."""

    reference: Reference
    insecure: bool = False


def endpoints(wanted: Reference, settings: Settings) -> tuple[Endpoint, ...]:
    """Where to ask for ``wanted``, one after the other; the last one is its registry itself, or what stands for it.

    Raises SettingsError when pulling it is blocked, or a location makes no reference of it.
    """
    rule = rule_for(wanted, settings)
    if rule is None:
        return (Endpoint(wanted),)
    if rule.blocked:
        raise SettingsError(f"{wanted}: {rule.path} blocks {rule.prefix}")
    unwanted = registries_conf.TAG_ONLY if wanted.digest else registries_conf.DIGEST_ONLY
    places = (*(mirror for mirror in rule.mirrors if mirror.pulls != unwanted), Mirror(rule.location, rule.insecure))
    return tuple(Endpoint(_at(place, wanted, rule), place.insecure) for place in places)


def has_mirror(wanted: Reference, settings: Settings) -> bool:
    """Whether the registry itself is not the only one to be asked: then its own silence says nothing."""
    return endpoints(wanted, settings) != (Endpoint(wanted),)


def target(wanted: Reference, settings: Settings) -> Endpoint:
    """Where ``wanted`` is written to: its registry itself, as insecure or blocked as its rule says."""
    rule = rule_for(wanted, settings)
    if rule and rule.blocked:
        raise SettingsError(f"{wanted}: {rule.path} blocks {rule.prefix}")
    return Endpoint(wanted, bool(rule and rule.insecure))


def rule_for(wanted: Reference, settings: Settings) -> RegistryRule | None:
    """The rule with the longest prefix of ``wanted``."""
    fitting = [rule for rule in settings.rules.values() if _length(str(wanted), rule.prefix)]
    return max(fitting, key=lambda rule: len(rule.prefix), default=None)


def _length(name: str, prefix: str) -> int:
    """How many characters of ``name`` the prefix stands for; 0 if it is none of its prefixes."""
    if prefix.startswith("*."):
        host = name.partition("/")[0].partition(":")[0]
        return len(host) if host.endswith(prefix[1:]) else 0
    follows = name[len(prefix) : len(prefix) + 1]
    ends = ("", "/", ":", "@") if "/" in prefix else ("", "/")  # after a host, a colon begins another one's port
    return len(prefix) if name.startswith(prefix) and follows in ends else 0


def _at(place: Mirror, wanted: Reference, rule: RegistryRule) -> Reference:
    if not place.location:
        return wanted
    text = place.location + str(wanted)[_length(str(wanted), rule.prefix) :]
    try:
        return parse(text)
    except InvalidReferenceError as error:
        raise SettingsError(f"{rule.path}: the location {place.location!r} is none for {wanted}: {error}") from error
