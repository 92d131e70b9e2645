"""The command `todos`."""

import json
from dataclasses import asdict
from pathlib import Path

import click

from todos.scan import Note, scan


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("root", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
@click.option("--tag", "tags", multiple=True, help="Only this tag; may be given several times.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array instead of lines.")
@click.option("--fail", is_flag=True, help="Exit 1 when a note is found, for use in CI.")
@click.version_option(package_name="todos")
def main(root: Path, tags: tuple[str, ...], as_json: bool, fail: bool) -> None:
    """List the TODO, FIXME and XXX notes under ROOT."""
    notes = [note for note in scan(root) if not tags or note.tag in tags]
    if as_json:
        click.echo(json.dumps([asdict(note) for note in notes], indent=2))
    else:
        for note in notes:
            click.echo(_line(note))
    if fail and notes:
        raise SystemExit(1)


def _line(note: Note) -> str:
    owner = f" ({note.owner})" if note.owner else ""
    return f"{note.path}:{note.line}: {note.tag}{owner}: {note.text}"
