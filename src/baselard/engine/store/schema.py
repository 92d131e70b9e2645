"""The store's database: every table, and the version of them all."""

import sqlite3
from pathlib import Path

from baselard.engine.errors import HostError

VERSION = 4
"""The number that SQLite keeps as ``user_version``. A store without one is from before tables had a version."""

_TABLES = """
CREATE TABLE IF NOT EXISTS results (
  key TEXT PRIMARY KEY, result TEXT NOT NULL, used REAL NOT NULL, boot TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS snapshots (
  id INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER REFERENCES snapshots(id),
  engine TEXT NOT NULL, used REAL NOT NULL, boot TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS indexed (
  snapshot INTEGER PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS packed (
  snapshot INTEGER PRIMARY KEY, digest TEXT NOT NULL, size INTEGER NOT NULL, diff_id TEXT NOT NULL,
  compression TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS makers (
  snapshot INTEGER PRIMARY KEY, label TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blobs (
  digest TEXT PRIMARY KEY, size INTEGER NOT NULL, used REAL NOT NULL, boot TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sizes (
  snapshot INTEGER PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS chains (
  chain TEXT PRIMARY KEY, snapshot INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS layers (
  snapshot INTEGER NOT NULL, below INTEGER NOT NULL, compression TEXT NOT NULL, stamp TEXT NOT NULL,
  digest TEXT NOT NULL, size INTEGER NOT NULL, diff_id TEXT NOT NULL,
  PRIMARY KEY (snapshot, below, compression, stamp)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS origins (
  digest TEXT NOT NULL, registry TEXT NOT NULL, repository TEXT NOT NULL,
  PRIMARY KEY (digest, registry)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS host_content (
  path BLOB PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT, began REAL NOT NULL, place TEXT NOT NULL, run TEXT NOT NULL);
"""

# What brings the tables of the version before each number up to it.
_UPGRADES = {
    1: "DELETE FROM layers WHERE compression NOT IN ('gzip', 'zstd', 'none');",
}


def opened(path: Path) -> sqlite3.Connection:
    """The database at ``path``, made or brought up to this version if need be; nobody else may open it meanwhile.

    Raises HostError when a later version wrote it.
    """
    db = sqlite3.connect(path, timeout=60, check_same_thread=False, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        db.execute(f"PRAGMA {pragma}")
    (found,) = db.execute("PRAGMA user_version").fetchone()
    if found > VERSION:
        db.close()
        raise HostError(
            f"the store {path.parent} is of a later Baselard: its tables have version {found}, and this one knows "
            f"{VERSION}; upgrade, or set BASELARD_STORE to another directory"
        )
    if found < VERSION:
        upgrades = "".join(sql for number, sql in _UPGRADES.items() if number > found)
        db.executescript(f"BEGIN IMMEDIATE; {_TABLES} {upgrades} PRAGMA user_version = {VERSION}; COMMIT;")
    return db
