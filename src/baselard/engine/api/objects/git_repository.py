"""Git repositories and their refs as the API shows them."""

from dataclasses import dataclass

from baselard.engine.api.objects.directory import Directory
from baselard.engine.api.objects.serving import served, shows
from baselard.engine.ops.git import GitTree, Remote
from baselard.engine.solver.graph import Output


@dataclass(frozen=True)
class GitRepository:
    """A repository. ``keep`` is whether its checkouts bring the repository along."""

    remote: Remote
    keep: bool = True

    @served
    def url(self) -> str | None:
        return self.remote.url or None


@shows("ref", "commit")
@dataclass(frozen=True)
class GitRef:
    """One ref, its full name, and the commit it led to when it was looked up."""

    repository: GitRepository
    ref: str
    commit: str

    @served
    def tree(self, *, discard_git_dir: bool = False, depth: int = 1, include_tags: bool = False) -> Directory:
        """Its files."""
        remote = self.repository.remote
        node = GitTree(
            remote.url,
            self.commit,
            not discard_git_dir and self.repository.keep,
            depth,
            include_tags,
            subdirectory=remote.source_path,
            source=remote.source,
            remote=remote,
        )
        return Directory(Output(node))
