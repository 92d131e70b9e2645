"""`baselard.yaml`: read, validated against the published schema, turned into values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from pipeline.config.document import Document, read
from pipeline.config.validation import schema, validate
from pipeline.conventions import CONFIG, EXAMPLES
from pipeline.errors import ConfigError

FILE = CONFIG
# What is given words instead of files, and the tester that takes them.
_WITHOUT_FILES = {"run": "script", "stage": "stage"}


@dataclass(frozen=True)
class Variables:
    """The variables that gossfiles know as `.Vars`: of a file, and as written down, which wins."""

    file: str = ""
    inline: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TestSettings:
    """The subjects of one tester: files, or words (commands, stages); with neither, the files of its conventions.

    `timeout` is the seconds that each script may take, `line` where in `baselard.yaml` this stands.
    """

    __test__ = False  # no class of tests, whatever pytest makes of its name

    tester: str
    files: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    timeout: int = 600
    line: int = 0

    @property
    def given(self) -> bool:
        """Whether it says what to judge."""
        return bool(self.files or self.words)


@dataclass(frozen=True)
class BaseSettings:
    """The configuration of one base. An empty value means: by convention."""

    name: str = ""
    tags: tuple[str, ...] = ()
    dockerfile: str = ""
    context: str = ""
    contexts: Mapping[str, str] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    build_args: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    goss: str = ""
    vars: Variables = field(default_factory=Variables)
    run: str = ""
    wait: int = 60
    tests: tuple[TestSettings, ...] = ()
    budgets: Mapping[str, str] = field(default_factory=dict)
    variants: Mapping[str, Any] = field(default_factory=dict)
    variant: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class QuarantineSettings:
    """Failures up to and including the ISO date `until` do not count."""

    reason: str
    until: str
    link: str = ""


@dataclass(frozen=True)
class ExampleSettings:
    """The configuration of one example. An empty value means: by convention."""

    dockerfile: str = ""
    context: str = ""
    contexts: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    build_args: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()
    vars: Variables = field(default_factory=Variables)
    run: str = ""
    wait: int = 60
    tests: tuple[TestSettings, ...] = ()
    standalone: bool = False
    minutes: float = 1
    quarantine: QuarantineSettings | None = None
    variants: Mapping[str, Any] = field(default_factory=dict)
    variant: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PublishSettings:
    """Platforms of the index, and rules in the syntax of docker/metadata-action."""

    platforms: tuple[str, ...] = ("linux/amd64", "linux/arm64")
    tags: tuple[str, ...] = ()
    flavor: tuple[str, ...] = ()
    default_branch: str = "main"
    licenses: str = ""
    source: str = ""
    labels: tuple[str, ...] = ()
    sbom: tuple[str, ...] = ("spdx",)
    attest_style: tuple[str, ...] = ()


@dataclass(frozen=True)
class CleanupSettings:
    """Which tags are for tests only, and how long they stay."""

    tags: str = "test-*"
    older_than_days: int = 7
    keep_last: int = 0


@dataclass(frozen=True)
class IgnoreSettings:
    """A vulnerability, by any of its names, that does not fail up to and including the ISO date `until`.

    An empty `package` means: in any.
    """

    id: str
    until: str
    reason: str
    package: str = ""


@dataclass(frozen=True)
class ScanSettings:
    """The known vulnerabilities that fail. `unknown` says whether those without a severity "fail".

    `database` is a directory of the repository or an image, empty for the public one; where the scanner cannot run, it
    fails if it is `required`.
    """

    severity: str = "high"
    unknown: str = "fail"
    fixed_only: bool = False
    ignore: tuple[IgnoreSettings, ...] = ()
    database: str = ""
    image: str = "ghcr.io/google/osv-scanner:v2.6.0"
    required: bool = True


@dataclass(frozen=True)
class SignSettings:
    """The signer where the call gives no key: a command of a key management service, or an OIDC identity.

    `command` signs in `image`, by the private half of `key`; `oidc` is "github" or the address of a token's secret.
    `services` is a file with sigstore's trust configuration; `outage` says whether to "fail" when they do not answer.
    """

    command: str = ""
    image: str = "debian:trixie-slim"
    secrets: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    oidc: str = ""
    services: str = ""
    outage: str = "fail"


@dataclass(frozen=True)
class OriginSettings:
    """Statements that images from outside need, whose repositories the glob `image` fits, and who must say it."""

    image: str
    require: tuple[str, ...]
    key: str = ""
    identity: str = ""
    issuer: str = ""
    source: str = ""


@dataclass(frozen=True)
class VerifySettings:
    """The statements that a published image must have, who must have signed them, and the source it has to name."""

    key: str = ""
    identity: str = ""
    issuer: str = ""
    require: tuple[str, ...] = ()
    source: str = ""
    origins: tuple[OriginSettings, ...] = ()


@dataclass(frozen=True)
class Config:
    """The whole file with its defaults."""

    bases: tuple[BaseSettings, ...] = (BaseSettings(),)
    example_paths: tuple[str, ...] = EXAMPLES
    examples: Mapping[str, ExampleSettings] = field(default_factory=dict)
    written: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    lint_threshold: str = "warning"
    jobs: int = 8
    retries: int = 0
    timeout: int = 1800
    runners: Mapping[str, str] = field(default_factory=dict)
    publish: PublishSettings = field(default_factory=PublishSettings)
    cleanup: CleanupSettings = field(default_factory=CleanupSettings)
    scan: ScanSettings | None = None
    sign: SignSettings = field(default_factory=SignSettings)
    verify: VerifySettings = field(default_factory=VerifySettings)
    document: Document = field(default_factory=lambda: Document({}, {}), compare=False, repr=False)

    def place(self, where: Sequence[str]) -> str:
        """File and line of a key or item, by its path."""
        return f"{FILE}:{self.document.line_of(where)}"

    def example(self, names: Collection[str]) -> ExampleSettings:
        """The settings of an example that may be called by any of these names: those of patterns come first."""
        keys = sorted(self.keys(names), key=lambda key: key in names)
        fields = [self.written[key] for key in keys]
        return ExampleSettings(**{name: value for one in fields for name, value in one.items()})

    def keys(self, names: Collection[str]) -> list[str]:
        """The keys of `examples.settings` that one of these names fits."""
        return [key for key in self.written if any(fnmatchcase(name, key) for name in names)]

    def place_of(self, names: Collection[str], field: str) -> str:
        """File and line of what is set for an example that may be called by any of these names."""
        key = next((key for key in reversed(self.keys(names)) if field in self.written[key]), "")
        return self.place(("examples", "settings", key, field.replace("_", "-")))


def parse(text: str, path: str = FILE) -> Config:
    """The configuration in `text`; ConfigError names file and line of what is wrong with it."""
    from pipeline.config.check import SCHEMA  # makes the check, for which only a repository with such a file pays

    try:
        document = read(text, schema(SCHEMA), path)
    except RecursionError as error:
        raise ConfigError(f"{path}: not YAML: it nests too deep") from error
    value = {} if document.value is None else document.value
    validate(replace(document, value=value), path, SCHEMA)
    return replace(_config(value, document), document=document)


def _config(document: Mapping[str, Any], places: Document) -> Config:
    examples = document.get("examples", {})
    test = document.get("test", {})
    values: dict[str, Any] = {"jobs": test.get("jobs"), "retries": test.get("retries"), "timeout": test.get("timeout")}
    values["lint_threshold"] = document.get("lint", {}).get("threshold")
    if "bases" in document:
        values["bases"] = tuple(_base(value, number, places) for number, value in enumerate(document["bases"]))
    if "paths" in examples:
        values["example_paths"] = tuple(examples["paths"])
    settings = examples.get("settings", {})
    values["written"] = {name: _example(value, name, places) for name, value in settings.items()}
    values["examples"] = {name: ExampleSettings(**fields) for name, fields in values["written"].items()}
    values["runners"] = document.get("matrix", {}).get("runners")
    values["publish"] = PublishSettings(**_fields(document.get("publish", {})))
    values["cleanup"] = CleanupSettings(**_fields(document.get("cleanup", {})))
    values["scan"] = _scan(_fields(document["scan"])) if "scan" in document else None
    values["sign"] = SignSettings(**_fields(document.get("sign", {})))
    values["verify"] = _verify(_fields(document.get("verify", {})))
    return Config(**{key: value for key, value in values.items() if value is not None})


def _base(document: Mapping[str, Any], number: int, places: Document) -> BaseSettings:
    return BaseSettings(**_with_tests(_fields(document), ("bases", str(number)), places))


def _verify(fields: Mapping[str, Any]) -> VerifySettings:
    origins = tuple(OriginSettings(**_fields(one)) for one in fields.get("origins", ()))
    return VerifySettings(**{**fields, "origins": origins})


def _scan(fields: Mapping[str, Any]) -> ScanSettings:
    return ScanSettings(**{**fields, "ignore": tuple(IgnoreSettings(**entry) for entry in fields.get("ignore", ()))})


def _example(document: Mapping[str, Any], name: str, places: Document) -> dict[str, Any]:
    fields = _with_tests(_fields(document), ("examples", "settings", name), places)
    if "quarantine" in fields:
        fields["quarantine"] = QuarantineSettings(**fields["quarantine"])
    return fields


def _with_tests(fields: dict[str, Any], where: Sequence[str], places: Document) -> dict[str, Any]:
    entries = fields.get("tests", ())
    lines = [places.line_of((*where, "tests", str(number))) for number in range(len(entries))]
    return {**fields, "tests": tuple(map(_test, entries, lines))} if entries else fields


def _test(value: str | Mapping[str, Any], line: int) -> TestSettings:
    """A tester's name alone, or with what it is given."""
    if isinstance(value, str):
        return TestSettings(value, line=line)
    named = [key for key in value if key != "timeout"]
    if len(named) != 1:
        told = " and ".join(named) or "no tester"
        raise ConfigError(f"{FILE}:{line}: a test has one tester, not {told}; write an item of each")
    given = value[named[0]]
    words = (given,) if isinstance(given, str) else tuple(given)
    timeout = value.get("timeout", TestSettings.timeout)
    if tester := _WITHOUT_FILES.get(named[0]):
        return TestSettings(tester, words=words, timeout=timeout, line=line)
    return TestSettings(named[0], words, timeout=timeout, line=line)


def _variables(value: Any) -> Variables:
    file, inline = value if isinstance(value, list) else (value, value)
    return Variables(file if isinstance(file, str) else "", inline if isinstance(inline, dict) else {})


def _fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """YAML keys as field names, lists as tuples."""
    fields = {key.replace("-", "_"): value for key, value in document.items()}
    if "vars" in fields:
        fields["vars"] = _variables(fields["vars"])
    return {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
