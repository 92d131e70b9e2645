"""The flags of all commands, each declared once, read by argparse and told of in help.

The functions that ``call`` chains bring flags of their own, which ``chain`` reads; those that ``call`` itself has stand
here as well. A parser is built when its command is used.
"""

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any

from baselard.cli.options import Options
from baselard.cli.parsing import Parser, one_of

PROGRESS = ("auto", "tty", "plain", "dots", "report", "quiet", "json")
SHELLS = ("bash", "zsh", "fish")
READ_ELSEWHERE = ("call", "watch", "complete", "test", "bench")  # by chain, pytest, and the benches


# --- what several commands have -------------------------------------------------------------------------------------


def _switch(parser: Parser, *names: str, help: str, dest: str | None = None) -> None:
    more: dict[str, Any] = {"dest": dest} if dest else {}
    parser.add_argument(*names, action="store_true", help=help, **more)


def _module(parser: Parser) -> None:
    what = "the module: a directory or a git URL (default: the nearest dagger.json)"
    parser.add_argument("-m", "--mod", dest="module", metavar="PATH", default="", help=what)


def _display(parser: Parser) -> None:
    parser.add_argument("-q", "--quiet", "-s", "--silent", dest="quiet", action="count", default=0, help="say less")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="say more")
    mode = one_of("--progress", PROGRESS)
    shown = f"{', '.join(PROGRESS[:-1])} or {PROGRESS[-1]}"
    parser.add_argument("--progress", metavar="MODE", default="auto", type=mode, choices=PROGRESS, help=shown)


def _running(parser: Parser) -> None:
    _switch(parser, "--no-cache-exec", help="run every command again")
    _switch(parser, "-i", "--interactive", help="open a shell in the container of a command that fails")
    parser.add_argument(
        "--interactive-command", metavar="CMD", default="/bin/sh", help="what to open then (default: /bin/sh)"
    )


# --- a command each -------------------------------------------------------------------------------------------------


def _call() -> Parser:
    parser = Parser("call", "FUNCTION …", helps=False)
    _module(parser)
    parser.add_argument("-o", "--output", metavar="PATH", default="", help="save the result to a file or directory")
    _switch(parser, "-j", "--json", help="print the result as JSON")
    _display(parser)
    _running(parser)
    _switch(parser, "--last-failed", help="only examples that failed when they were tested last, by the history")
    _switch(parser, "--failed-first", help="begin with those")
    _switch(parser, "-h", "--help", help="tell of the last function, its arguments and what may follow")
    return parser


def _check() -> Parser:
    parser = Parser("check", "[PATTERN …]", "A pattern is a glob, or the beginning of a name up to a colon.\n")
    parser.add_argument("patterns", nargs="*")
    _switch(parser, "-l", "--list", dest="listing", help="only list the checks")
    _module(parser)
    _display(parser)
    _running(parser)
    return parser


def _functions() -> Parser:
    parser = Parser("functions", "[FUNCTION …]")
    parser.add_argument("names", nargs="*")
    _module(parser)
    _display(parser)
    return parser


def _history() -> Parser:
    about = (
        "Runs that judged something are kept in the store, the newest 500, without secrets; prune --all forgets them.\n"
    )
    parser = Parser("history", "[show RUN]", about)
    parser.add_argument("words", nargs="*")
    _switch(parser, "--all", help="those of every tree on this machine, not of this one alone")
    _switch(parser, "-j", "--json", help="print JSON")
    return parser


def _compare() -> Parser:
    parser = Parser("compare", "RUN RUN", "A run is its number, as history lists it.\n")
    parser.add_argument("before", metavar="RUN")
    parser.add_argument("after", metavar="RUN")
    _switch(parser, "-j", "--json", help="print JSON")
    return parser


def _open() -> Parser:
    about = """\
The report is a directory that -o of report wrote, or the zip archive that a CI run kept of it. Its verdicts are
printed, and report.html opens in the browser of a desktop.
"""
    parser = Parser("open", "DIRECTORY|ARCHIVE", about)
    parser.add_argument("place", metavar="DIRECTORY|ARCHIVE")
    what = "build that example as it was and open a shell in it, or where its build fails"
    parser.add_argument("--shell", metavar="EXAMPLE", default="", help=what)
    at = "the commit to build it at (default: the report's own)"
    parser.add_argument("--commit", metavar="COMMIT", default="", help=at)
    return parser


def _init() -> Parser:
    about = "Writes baselard.yaml with what is found; where missing, hadolint's rules and a workflow.\n"
    parser = Parser("init", about=about)
    _switch(parser, "-y", "--yes", help="write all of it without asking")
    _switch(parser, "--github", help="write the workflow of one step, .github/workflows/baselard.yml, instead")
    return parser


def _plan() -> Parser:
    parser = Parser("plan", about="Prints the plan of this repository; nothing is built, and no engine starts.\n")
    _switch(parser, "-j", "--json", help="print it as JSON")
    ref = "full git ref that it would be published for (default: that of the default branch)"
    parser.add_argument("--ref", metavar="REF", default="", help=ref)
    return parser


_SIGNED_IN = """\
Registries are asked as docker and podman are signed in there; GitHub with the token in GITHUB_TOKEN or GH_TOKEN,
where there is one, at GITHUB_API_URL. What could not be asked about is said, and ends with exit code 1.
"""


def _outdated() -> Parser:
    parser = Parser("outdated", about=_SIGNED_IN)
    _switch(parser, "-j", "--json", help="print it as JSON")
    return parser


def _update() -> Parser:
    parser = Parser("update", about=_SIGNED_IN)
    _switch(parser, "-y", "--yes", help="write it without asking")
    _switch(parser, "--lock", help="begin a baselard.lock with the digests of images that a tag alone names")
    _switch(parser, "--github", help="open a pull request instead, or renew the one there is; needs a token")
    return parser


def _cache() -> Parser:
    about = """\
export writes what the last run used: results and the snapshots they need, compressed, and nothing that is there
already. import brings that into this machine's store; steps that did not change then run nothing.
A name with a registry's host and a tag (ghcr.io/team/cache:main) means a registry, anything else a directory.

export signs with the private key BASELARD_CACHE_SIGNING_KEY, import asks for a signature by
BASELARD_CACHE_PUBLIC_KEY (or by the former's other half): PEM, or the path of a file that holds it.
"""
    parser = Parser("cache", "export|import DIRECTORY|REFERENCE", about)
    ways = ("export", "import")
    parser.add_argument("way", metavar="|".join(ways), type=one_of("baselard cache", ways), choices=ways)
    parser.add_argument("place", metavar="DIRECTORY|REFERENCE")
    _switch(parser, "--unsigned", help="import what anybody may have written")
    return parser


def _doctor() -> Parser:
    parser = Parser("doctor")
    _switch(parser, "--deep", help="also read every blob against its digest")
    _switch(parser, "-j", "--json", help="print JSON")
    return parser


def _setup() -> Parser:
    about = "Installs Debian's or Ubuntu's packages, by sudo for who is not root; names them on other systems.\n"
    parser = Parser("setup", about=about)
    _switch(parser, "--rootless", help="also what plain users need: packages, and AppArmor's profile on Ubuntu")
    return parser


def _prune() -> Parser:
    parser = Parser(
        "prune", about="Without a limit only what nothing needs any more goes. Running sessions lose nothing.\n"
    )
    size = "the least recently used goes until no more than this is left (20G, 500M, bytes)"
    parser.add_argument("--keep-bytes", metavar="SIZE", help=size)
    time = "what was not used for so long goes (30m, 12h, 7d, 2w)"
    parser.add_argument("--older-than", metavar="TIME", help=time)
    _switch(parser, "--all", help="everything, cache volumes and the history too")
    _switch(parser, "--dry-run", help="say what would go")
    return parser


def _session() -> Parser:
    parser = Parser("session", about="For SDKs: says on stdout where it listens, and ends with its standard input.\n")
    parser.add_argument("--workdir", metavar="DIR", default=".", help="what the client's paths are relative to")
    _switch(parser, "--load-workspace-modules", dest="modules", help="serve the workspace's modules, too")
    _switch(parser, "--skip-workspace-modules", help="serve none, which is the default")
    for names in (("--label",), ("--project",), ("-W", "--workspace"), ("--version",)):
        parser.add_argument(*names, metavar="TEXT", action="append", help="taken and not used")
    return parser


def _completion() -> Parser:
    about = """\
Prints a script: `source <(baselard completion bash)` in ~/.bashrc, the same with zsh in ~/.zshrc behind compinit,
and for fish `baselard completion fish | source` in ~/.config/fish/config.fish.
"""
    parser = Parser("completion", "|".join(SHELLS), about)
    shell = one_of("baselard completion", SHELLS)
    parser.add_argument("shell", metavar="|".join(SHELLS), type=shell, choices=SHELLS)
    return parser


def _man() -> Parser:
    return Parser("man", about="Opens the manual page, or writes it (roff) where no terminal is.\n")


def _version() -> Parser:
    return Parser("version")


BUILT: Mapping[str, Callable[[], Parser]] = {
    "call": _call,
    "check": _check,
    "functions": _functions,
    "history": _history,
    "compare": _compare,
    "open": _open,
    "init": _init,
    "plan": _plan,
    "outdated": _outdated,
    "update": _update,
    "cache": _cache,
    "setup": _setup,
    "doctor": _doctor,
    "prune": _prune,
    "stop": lambda: Parser("stop", about="A call that is under way goes on to its end.\n"),
    "session": _session,
    "completion": _completion,
    "man": _man,
    "version": _version,
}


@cache
def of(command: str) -> Parser:
    """The parser of a command."""
    return BUILT[command]()


def read(command: str, words: Sequence[str]) -> Namespace:
    """The options and arguments of a command line of ``command``; ``line`` is the whole of it.

    Raises UserError for what is wrong with it, and Help.
    """
    asked = Namespace() if command in READ_ELSEWHERE else of(command).read(words)
    asked.line = [command, *words]
    return asked


def options(asked: Namespace) -> Options:
    """Those of the options that a command has, as values."""
    return Options(**{field.name: getattr(asked, field.name) for field in fields(Options) if field.name in asked})


def early(words: Sequence[str]) -> Options:
    """The options of ``call`` anywhere in a command line whose other flags are not known yet."""
    parser, at, taken = of("call"), 0, list[str]()
    while at < len(words):
        word, width = parser.taken(words[at:])
        taken += [word] if width else []
        at += width or 1
    return options(parser.read(taken))
