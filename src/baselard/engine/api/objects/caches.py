"""Cache volumes: directories that outlive runs and count in no key."""

from dataclasses import dataclass, field, replace

from baselard.engine.api.objects.directory import Directory
from baselard.engine.run.containers.command import CacheMount, CacheSharing
from baselard.engine.solver import digest


@dataclass(frozen=True)
class CacheVolume:
    """A cache volume, known by its key, the module that named it, and the way it is made and shared.

    Another source, sharing mode or owner makes it another volume with other contents, as in Dagger.
    """

    name: str
    namespace: str
    sharing: CacheSharing = CacheSharing.SHARED
    source: Directory | None = None
    owner: str = field(default="")

    def specialised(self, *, source: Directory | None, sharing: CacheSharing | None, owner: str) -> "CacheVolume":
        """The volume with those of its properties that are given."""
        return replace(
            self,
            source=source or self.source,
            sharing=sharing or self.sharing,
            owner=owner or self.owner,
        )

    @property
    def volume(self) -> str:
        """Its name in the store."""
        return digest.of("cache.v1", self.name, self.namespace, self.sharing, self.source, self.owner)[7:39]

    def mount(self, target: str) -> CacheMount:
        """It, mounted at ``target``."""
        output, subpath = (self.source.output, self.source.path) if self.source else (None, "/")
        return CacheMount(target, self.volume, self.sharing, output, subpath, self.owner)
