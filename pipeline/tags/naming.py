"""The full references under which a project's bases are published for an event."""

from __future__ import annotations

from dataclasses import replace

from baselard.oci.reference import Reference
from pipeline import references as refs
from pipeline.errors import UsageError
from pipeline.project import UNNAMED, Base, Project
from pipeline.tags import rules
from pipeline.tags.events import Event
from pipeline.tags.produce import Tags, for_target, produce
from pipeline.tags.rules import TagRule
from pipeline.variants import NAME, asked, filled


def references(project: Project, event: Event) -> tuple[Reference, ...]:
    """All references of all targets; UsageError when none results, or two targets would share one."""
    found = named(project, event)
    if not found:
        raise UsageError(f"no tag rule applies to {event.ref}; see publish.tags in baselard.yaml")
    return found


def named(project: Project, event: Event) -> tuple[Reference, ...]:
    """The same, or nothing when no rule applies to this event."""
    if nameless(project):
        raise UsageError("the base has no name to publish under; write `bases: [{name: …}]` into baselard.yaml")
    found = [
        (base.title(target), reference)
        for base in project.bases
        for target in base.targets
        for reference in of_target(project, base, target, event)
    ]
    owners: dict[Reference, str] = {}
    for name, reference in found:
        other = owners.setdefault(reference, name)
        if other != name:
            raise UsageError(f"duplicate tag: {reference} would be both {other} and {name}")
    return tuple(owners)


def nameless(project: Project) -> bool:
    """Whether a base has no name of its own, so that nothing of it can be published yet."""
    return any(base.name == UNNAMED and not base.settings.name for base in project.bases)


def of_target(project: Project, base: Base, target: str, event: Event) -> tuple[Reference, ...]:
    """The references of one target."""
    where = refs.parse_reference(base.name)
    return tuple(
        Reference(where.registry, where.repository, tag) for tag in tags_of(project, base, target, event).names
    )


def tags_of(project: Project, base: Base, target: str, event: Event) -> Tags:
    """The tags of one target: the configured rules, with the target's name as a suffix on all but the first.

    Of a base with tags of its own, these stand where `latest` would, and the others end with the first of them.
    """
    publish = project.config.publish
    flavor = for_target(rules.parse_flavor(publish.flavor), target, base.targets[0], base.tags)
    return produce(_rules(project, base), flavor, event)


def _rules(project: Project, base: Base) -> tuple[TagRule, ...]:
    """The rules that concern a base, with its variant's values; UsageError for one that concerns none."""
    names = {name for one in project.bases for name in (*one.settings.variant, NAME) if one.settings.variant}
    written = rules.listed(project.config.publish.tags)
    for line in written:
        if unknown := asked(line) - names:
            raise UsageError(f"tag rule {line!r}: no base has variants with a value for {min(unknown)}")
    own = {*base.settings.variant, NAME} if base.settings.variant else set[str]()
    known = [line for line in written if asked(line) <= own]
    if written and not known:
        return ()
    parsed = rules.parse([filled(line, base.settings.variant) for line in known])
    by_variant = {filled(line, base.settings.variant) for line in known if asked(line)}
    return tuple(replace(rule, of_variant=rule.text in by_variant) for rule in parsed)
