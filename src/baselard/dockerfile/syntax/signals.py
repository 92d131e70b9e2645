"""The names STOPSIGNAL accepts (moby/sys/signal for Linux)."""

from __future__ import annotations

import re

NAMES = (
    " ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP "
    "TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX "
)
REALTIME = re.compile(r"RTMIN\+([1-9]|1[0-5])|RTMAX-([1-9]|1[0-4])")


def check_signal(text: str) -> None:
    """ValueError, in docker's words, unless `text` is a signal's number or name."""
    if re.fullmatch(r"[+-]?[0-9]+", text):
        if int(text) == 0:
            raise ValueError(f"invalid signal: {text}")
        return
    name = text.upper().removeprefix("SIG")
    if f" {name} " not in NAMES and not REALTIME.fullmatch(name):
        raise ValueError(f"invalid signal: {text}")
