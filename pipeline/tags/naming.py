"""The full references under which a project's bases are published for an event."""

from __future__ import annotations

from baselard.oci.reference import Reference
from pipeline import references as refs
from pipeline.discover import UNNAMED, Base, Project
from pipeline.errors import UsageError
from pipeline.tags import rules
from pipeline.tags.events import Event
from pipeline.tags.produce import Tags, for_target, produce


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
    return produce(rules.parse(publish.tags), flavor, event)
