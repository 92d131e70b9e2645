"""Where a module comes from, as the API shows it; what its dagger.json says is read when the source is looked up."""

import json
from dataclasses import dataclass
from pathlib import Path

from baselard.engine.api.objects.directory import Directory
from baselard.engine.api.objects.serving import served, served_as, shows
from baselard.engine.errors import UserError
from baselard.engine.files import paths
from baselard.oci.text import JSON


@shows("source", "debug")
@dataclass(frozen=True)
class SDKConfig:
    """The SDK that a module is written with."""

    source: str
    debug: bool = False


@shows(
    "kind",
    "cloneRef",
    "commit",
    "version",
    pin="commit",
    sourceRootSubpath="subpath",
    originalSubpath="subpath",
    localContextDirectoryPath="context",
    repoRootPath="context",
)
@dataclass(frozen=True)
class ModuleSource:
    """A module's source. ``root`` is its directory on this machine, ``subpath`` the same from ``context``.

    ``config`` is dagger.json's text, empty where there is none. ``reference`` is what it was asked for by. The
    repository's ``clone_ref``, ``version`` and ``commit`` are empty unless it came by git; ``given`` is the directory
    that it was made of.
    """

    kind: str
    context: str
    subpath: str
    config: str
    reference: str
    clone_ref: str = ""
    version: str = ""
    commit: str = ""
    given: Directory | None = None

    @property
    def root(self) -> str:
        return self.context if self.subpath == "." else f"{self.context}/{self.subpath}"

    @served
    def as_string(self) -> str:
        return self.root if self.kind == "LOCAL_SOURCE" else self.reference

    @served_as("htmlRepoURL", "htmlURL")
    def url(self) -> str:
        return self.clone_ref if self.clone_ref.startswith("http") else ""

    @served
    def config_exists(self) -> bool:
        return bool(self.config)

    @served_as("moduleName", "moduleOriginalName")
    def name(self) -> str:
        return str(self.said.get("name", ""))

    @served
    def engine_version(self) -> str:
        return str(self.said.get("engineVersion", ""))

    @served
    def source_subpath(self) -> str:
        return paths.clean(f"{self.subpath}/{self.said.get('source', '.')}") or "."

    def others(self, listed: str) -> list[str]:
        """The modules that dagger.json lists under this name, those of this machine by their whole paths.

        Raises UserError for what names none.
        """
        entries = self.said.get(listed) or []
        known = entries if isinstance(entries, list) else [entries]
        names = [one.get("source") if isinstance(one, dict) else one for one in known]
        texts = [name for name in names if isinstance(name, str)]
        if known is not entries or len(texts) < len(names):
            raise UserError(f"{self.root}/dagger.json: {listed} must be a list of modules' sources")
        return [str(Path(self.root, name)) if name.startswith((".", "/")) else name for name in texts]

    @property
    def said(self) -> dict[str, JSON]:
        """The content of dagger.json."""
        value = json.loads(self.config or "{}")
        return value if isinstance(value, dict) else {}

    @property
    @served
    def sdk(self) -> SDKConfig | None:
        told = self.said.get("sdk")
        source = told.get("source", "") if isinstance(told, dict) else told
        return SDKConfig(str(source)) if source else None
