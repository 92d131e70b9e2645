"""A stand-in for osv.dev's database, as osv-scanner reads it offline: ECOSYSTEM/all.zip with a JSON file a record.

The records are made up, in the form of https://ossf.github.io/osv-schema/; the layout is that of
https://google.github.io/osv-scanner/usage/offline-mode/#manual-database-download.
"""

import json
import zipfile
from pathlib import Path
from typing import Any

HIGH = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"


def record(name: str, ecosystem: str, package: str, *, fixed: str = "", cvss: str = "", **more: Any) -> dict[str, Any]:
    """A record about every version of a package, or those before the fixed one."""
    events = [{"introduced": "0"}, *([{"fixed": fixed}] if fixed else [])]
    affected = {
        "package": {"ecosystem": ecosystem, "name": package},
        "ranges": [{"type": "ECOSYSTEM", "events": events}],
    }
    severity = {"severity": [{"type": "CVSS_V3", "score": cvss}]} if cvss else {}
    times = {"modified": "2026-11-01T00:00:00Z", "published": "2026-10-01T00:00:00Z"}
    about = {"schema_version": "1.7.5", "id": name, **times, "summary": f"made up about {package}"}
    return {**about, "affected": [affected], **severity, **more}


def write(root: Path, *records: dict[str, Any]) -> Path:
    """A database of these records."""
    by_ecosystem: dict[str, list[dict[str, Any]]] = {}
    for one in records:
        ecosystem = one["affected"][0]["package"]["ecosystem"].partition(":")[0]
        by_ecosystem.setdefault(ecosystem, []).append(one)
    for ecosystem, listed in by_ecosystem.items():
        (root / ecosystem).mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(root / ecosystem / "all.zip", "w") as archive:
            for one in listed:
                archive.writestr(f"{one['id']}.json", json.dumps(one))
    return root
