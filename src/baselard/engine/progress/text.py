"""Words that others wrote, as a terminal may show them."""

_SHELLS = ("exec /bin/sh -c ", "exec sh -c ", "exec /bin/bash -c ", "exec bash -c ", "exec ")


def clean(line: bytes) -> str:
    """The line as it stands after its carriage returns, without terminal control."""
    return printable(line.rstrip(b"\r").rsplit(b"\r", 1)[-1].decode(errors="replace"))


def printable(text: str) -> str:
    """The text without terminal control; escapes are left as the letters that follow them."""
    return "".join(letter for letter in text if letter == "\t" or letter.isprintable())


def plainly(text: str) -> str:
    """The text as one line."""
    return printable(" ".join(text.split()))


def label(text: str) -> str:
    """An operation's label as one line; a command as it would be typed."""
    shell = next((shell for shell in _SHELLS if text.startswith(shell)), "")
    return plainly(f"$ {text.removeprefix(shell)}" if shell else text)
