"""An error as a command tells it."""

from baselard.engine.errors import EngineError, ExecError


def told(error: EngineError) -> str:
    """The text of an error; of a command that failed, its output, then the command itself."""
    if isinstance(error, ExecError):
        message = f"{' '.join(error.cmd)}: {error}"
        return "\n".join(filter(None, [error.stdout.rstrip("\n"), error.stderr.rstrip("\n"), message]))
    return str(error) or type(error).__name__
