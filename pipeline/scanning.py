"""The functions that look for known vulnerabilities."""

from typing import TYPE_CHECKING, Annotated

import dagger
from dagger import Doc

from pipeline import listing, verdict
from pipeline.calls import Call
from pipeline.fan_out import FanOut, fresh
from pipeline.flags import Password, Platform, Username
from pipeline.report import directory
from pipeline.share import Account

if TYPE_CHECKING:
    from pipeline.scan.gate import Scanned

Targets = Annotated[list[str] | None, Doc("Only these targets of the base; all by default, if nothing else is named")]
Only = Annotated[list[str] | None, Doc("Also examples of these names, built here; globs are allowed")]
References = Annotated[list[str] | None, Doc("Also published images, such as ghcr.io/acme/base:latest")]
Database = Annotated[
    dagger.Directory | None, Doc("Directory with ECOSYSTEM/all.zip in the form of osv.dev; or scan.database")
]


class Scanning(FanOut):
    """The part of the main object that scans images."""

    @fresh
    async def scan(  # noqa: PLR0913  # one flag, one argument
        self,
        *,
        targets: Targets = None,
        only: Only = None,
        references: References = None,
        database: Database = None,
        platform: Platform = "",
        username: Username = "",
        password: Password = None,
    ) -> str:
        """Look for known vulnerabilities in images; fails by the policy of baselard.yaml, and if it could not look."""
        call, account = await self._call(platform), Account("", username, password)
        return verdict.settle(
            (await _scanned(call, account, database, targets=targets, only=only, references=references)).report
        )

    @fresh
    async def scan_report(  # noqa: PLR0913  # one flag, one argument
        self,
        *,
        targets: Targets = None,
        only: Only = None,
        references: References = None,
        database: Database = None,
        platform: Platform = "",
        username: Username = "",
        password: Password = None,
    ) -> dagger.Directory:
        """The same as scan, as a directory like that of report, with scan.json for programs.

        It never fails because of what it finds: keep the directory first, then fail by the code in `exit-code`.
        """
        call, account = await self._call(platform), Account("", username, password)
        scanned = await _scanned(call, account, database, targets=targets, only=only, references=references)
        return directory.render(scanned.report).with_new_file("scan.json", listing.rendered(scanned.document))


async def _scanned(
    call: Call, account: Account, database: dagger.Directory | None, **named: list[str] | None
) -> "Scanned":
    from pipeline.scan import gate  # most calls scan nothing

    return await gate.scanned(call, gate.chosen(call, account, **named), database)
