"""``baselard bench``: measurements of this checkout; they live in ``bench/``, beside the engine they measure."""

from baselard.cli import start


def run(line: list[str]) -> int:
    """Measure, print the table and write the files asked for. Raises EngineError."""
    start.require_privilege(line)
    from bench import command  # stands beside the product, and only developers have it

    return command.run(line[1:])
