"""Inputs that nobody would write: what a stranger's files, archives and registries say is taken or refused.

Each example begins as something well-formed and is changed: bytes flipped, cut, doubled, values swapped. By default a
hundred of each; ``--hypothesis-profile=nightly`` has many more. What was found once stands as ``@example``.
"""

import asyncio
import copy
import io
import itertools
import json
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from baselard.dockerfile.plan.lower import lower_stage
from baselard.dockerfile.plan.stages import BuildOptions, make_plan
from baselard.dockerfile.plan.steps import ImageConfig as Configured
from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.dockerfile.syntax.ignore import read_ignore
from baselard.dockerfile.syntax.text import parse as parse_dockerfile
from baselard.engine.api import served, server
from baselard.engine.api.query import queries, replies
from baselard.engine.api.query.ids import Ids
from baselard.engine.errors import EngineError, UserError
from baselard.engine.files import gitignore, merging, patterns
from baselard.engine.host import platforms
from baselard.engine.images import archive_layers, archive_read, credentials, manifest, transfer
from baselard.engine.images.layers.extract import unpack
from baselard.engine.store.database import Store
from baselard.oci import media_types
from baselard.oci.errors import DistributionError
from baselard.oci.registry.connection import Connection
from baselard.oci.registry.credential import Credential
from baselard.oci.registry.repository import Repository
from pipeline.config import config
from pipeline.errors import ConfigError
from tests.security import archives
from tests.security.archives import DIRECTORY, HARD_LINK, REGULAR, SYMLINK
from tests.security.bounds import bounded

SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False), st.text(max_size=12),
    st.sampled_from(["sha256:" + "a" * 64, "../../etc/passwd", "/", "", "linux/amd64", "2024-02-30", "0x", "1e999"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """``whole`` with a few bytes changed, cut out, doubled or put elsewhere."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        size = draw(st.integers(1, 40))
        match draw(st.integers(0, 4)):
            case 0:
                data[at : at + 1] = draw(st.binary(max_size=4))
            case 1:
                del data[at : at + size]
            case 2:
                data[at:at] = data[at : at + size]
            case 3:
                del data[at:]
            case _:
                data[at:at] = draw(st.sampled_from([b"\0", b"\xff" * 8, b"9" * 20, b"..", b"/../", b"\n", b"-"]))
    return bytes(data)


@st.composite
def changed(draw: st.DrawFn, document: Any) -> Any:
    """A JSON document where one or two values, somewhere, are others or gone."""
    made = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 2))):
        holder, key = draw(st.sampled_from(list(_places(made)) or [([made], 0)]))
        if draw(st.booleans()) or isinstance(holder, list):
            holder[key] = draw(VALUES)
        else:
            holder.pop(key, None)
    return made


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in list(items):
        yield document, key
        yield from _places(value)


@contextmanager
def told(*errors: type[Exception]) -> Iterator[None]:
    """Within bounds, and with no error but those that are sentences for the user."""
    with bounded(), suppress(*errors):
        yield


# texts

DOCKERFILE = b"""# syntax=docker/dockerfile:1
# escape=`
ARG A=1
FROM --platform=$BUILDPLATFORM busybox:${A:-latest}@sha256:0000 AS one
RUN --mount=type=cache,id=a,target=/c,sharing=locked --network=none <<EOF
echo $A
EOF
COPY --from=one --chmod=u+x,g=u --chown=1:2 --parents ["a b", "./x/./y", "/d/"]
ADD --checksum=sha256:00 https://example.org/x.git?ref=a#b:c /y
ENV A="b c" D=$A\\
 E=f
HEALTHCHECK --interval=1m CMD curl -f http://localhost || exit 1
EXPOSE 80-90/tcp 53/udp
ONBUILD COPY <<-"X" <<Y /z
\tx
X
y
Y
SHELL ["/bin/sh", "-c"]
STOPSIGNAL SIGTERM
LABEL a=b "c d"='e'
"""


@given(damaged(DOCKERFILE))
@SLOW
def test_a_dockerfile_is_read_or_refused(data: bytes) -> None:
    with told(DockerfileError):
        plan = make_plan(parse_dockerfile(data.decode(errors="replace"), "Dockerfile"), BuildOptions({}))
        for stage in plan.stages:
            lower_stage(plan, stage, Configured(), from_nothing=True)


IGNORED = b"# c\n*/temp*\n!a/[b-z]?\n**/*.pyc\n/x/../y\n \\ #\n[^a]\n**\n\xef\xbb\xbf!\n[!a]/\n"
MANY_STARS = "a*" * 30 + "b"


@given(damaged(IGNORED), st.lists(st.text(alphabet="ab/.*\\[]!é", max_size=8), max_size=4))
@example(MANY_STARS.encode(), ["a" * 60])
@example(("**/" * 30 + "x").encode(), ["a/" * 40 + "y"])
@SLOW
@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
def test_ignore_files_are_read_or_refused(data: bytes, names: list[str]) -> None:
    text = data.decode("utf-8", "surrogateescape")
    with told(DockerfileError, UserError):
        found = patterns.compile_patterns(read_ignore(text))
        for name in names:
            found.match(name, found.nothing)
            found.may_match_below(name, negated=True)
    with told(UserError):
        rules = (gitignore.Rules("", data),)
        for name in names:
            gitignore.ignored(rules, name, is_directory=False)


CONFIGURATION = b"""bases:
  - name: ghcr.io/acme/base
    targets: [standard, &a dev]
examples:
  paths: ["examples/*"]
  settings:
    hello: {wait: 5, quarantine: {until: "2027-01-01", reason: x}}
test: {jobs: 4, retries: 1, timeout: 60}
matrix: {runners: {linux/arm64: ubuntu-24.04-arm}}
publish: {platforms: [linux/amd64], tags: ["type=semver,pattern={{version}}"], labels: [a=b]}
cleanup: {tags: "test-*", older-than-days: 7}
"""


def _bomb() -> bytes:
    """A value of 9 to the 9th parts, in a few lines (billion laughs)."""
    names = "abcdefghi"
    inner = [f"&{name} [{','.join([f'*{before}'] * 9)}]" for before, name in itertools.pairwise(names)]
    return f"test: {{jobs: [&a [{','.join('x' * 9)}],{','.join(inner)}]}}\n".encode()


def test_the_configuration_that_is_damaged_is_one() -> None:
    assert config.parse(CONFIGURATION.decode()).jobs == 4


@given(damaged(CONFIGURATION))
@example(b"a: \x00")
@example(b"a: 2024-02-30")
@example(b"[" * 400)
@example(b"{" * 400)
@example(_bomb())
@example(b"? [a]\n: b\n")
@example(b"test: {timeout: !!int '0x'}")
@example(b"test: {jobs: .inf}")
@example(b"<<: a")
@example(b"a: !!python/object:os.system x")
@SLOW
def test_a_configuration_is_read_or_refused(data: bytes) -> None:
    with told(ConfigError):
        config.parse(data.decode(errors="replace"))


# requests


@pytest.fixture(scope="module")
def _deep() -> None:
    """What the first query does for the whole process; Hypothesis wants it done before."""
    queries.allow_deep_queries()


QUERIES = (
    b'{"query":"{container{from(address:\\"x\\"){withExec(args:[\\"a\\"]){stdout}}}}"}',
    b'{"query":"query A($a: String! = \\"b\\"){directory{withNewFile(path:$a,contents:\\"\\"){...F}}} fragment F on '
    b'Directory{entries}","variables":{"a":"c"},"operationName":"A"}',
    b'{"query":"{__schema{types{name fields{name args{name type{ofType{name}}}}}}}"}',
)


@given(st.sampled_from(QUERIES).flatmap(damaged))
@example(b'{"query":"' + b"{a" * 5000 + b'"}')
@example(b"[" * 100_000)
@example(b'{"query":"{' + b"directory{" * 500 + b'entries}"}')
@example(b'{"query":"{...A} fragment A on Query{...A}"}')
@example(b'{"query":"' + b"#" * 100_000 + b'"}')
@example(json.dumps({"query": '{directory{withNewFile(path:"\ud800",contents:""){entries}}}'}).encode())
@example(b'{"query":"{a}","variables":{"a":' + b"9" * 5000 + b"}}")
@SLOW
@pytest.mark.usefixtures("_deep")
def test_a_request_is_answered(data: bytes) -> None:
    with bounded():
        try:
            request = server._query(data)
        except server._BadRequest as error:
            assert str(error)
            return
        answer = json.loads(asyncio.run(_replied(request)))
    assert "data" in answer or answer["errors"]
    assert "internal error" not in str(answer.get("errors"))


class _Nothing:
    """An engine that can do nothing: whatever is asked of it ends in a sentence."""

    def __getattr__(self, name: str) -> Any:
        raise UserError("there is no engine here")


async def _replied(request: tuple[Any, ...]) -> bytes:
    """What a session answers that has the whole schema and no engine."""
    with tempfile.TemporaryDirectory() as root:
        session, context = _Nothing(), _Nothing()
        worker, store = _Nothing(), _Nothing()
        store.root, worker.store, session.worker = Path(root), store, worker  # type: ignore[attr-defined]
        session.api, session.ids, context.session = served.core(), Ids(), session  # type: ignore[attr-defined]
        context.frame, context.client, context.settle = None, "", lambda: None  # type: ignore[attr-defined]
        return await replies.reply(context, *request)  # type: ignore[arg-type]


# archives

LAYER = archives.tar(
    ("a/", DIRECTORY, ""),
    ("a/file", REGULAR, "content" * 100),
    ("a/link", SYMLINK, "file"),
    ("hard", HARD_LINK, "a/file"),
    ("a/" + "long" * 40, REGULAR, "x"),
    ("a/.wh.gone", REGULAR, ""),
)


class _Source(io.BytesIO):
    def skip(self, size: int) -> int:
        return len(self.read(size))


@pytest.mark.root
@given(damaged(LAYER))
@SLOW
def test_a_layer_is_unpacked_or_refused(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as root:
        target = Path(root, "one", "two")
        target.mkdir(parents=True)
        with told(EngineError):
            unpack(_Source(data), target)
        assert [path.name for path in target.parent.iterdir()] == ["two"]


IMAGE = archives.layout(
    {"config": {"Env": ["A=b"], "Cmd": ["x"], "ExposedPorts": {"80/tcp": {}}}, "history": [{"created_by": "x"}]},
    [archives.tar(("file", REGULAR, "content"))],
    names=("app:1",),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store.open(tmp_path_factory.mktemp("inputs") / "store")
    yield opened
    opened.close()


@pytest.mark.root
@given(data=damaged(IMAGE))
@SLOW
def test_an_archive_is_imported_or_refused(data: bytes, store: Store) -> None:
    path = store.work / "image.tar"
    path.write_bytes(data)
    with told(EngineError), archive_read.opened(path, store) as archive:
        chosen = archive_read.choose(archive, platforms.parse("linux/amd64"), "")
        archive_layers.unpack(merging.snapshots(store), archive, chosen)


DIGEST = "sha256:" + "a" * 64
PART = {"mediaType": media_types.OCI_LAYER + "+gzip", "digest": DIGEST, "size": 5, "annotations": {"a": "b"}}
MANIFEST = {"schemaVersion": 2, "config": {**PART, "mediaType": media_types.OCI_CONFIG}, "layers": [PART, PART]}
INDEX = {"manifests": [{**PART, "platform": {"os": "linux", "architecture": "arm", "variant": "v7"}}]}
HEALTH = {"Test": ["CMD", "x"], "Interval": 5, "Retries": 3}
CONFIG = {
    "architecture": "amd64",
    "os": "linux",
    "config": {"Env": ["A=b"], "Labels": {"a": "b"}, "Healthcheck": HEALTH, "Entrypoint": ["x"], "OnBuild": ["RUN x"]},
    "rootfs": {"type": "layers", "diff_ids": [DIGEST, DIGEST]},
    "history": [{"created_by": "x", "empty_layer": True}],
}


@given(
    changed(MANIFEST), changed(INDEX), changed(CONFIG), st.sampled_from(["linux/amd64", "linux/arm/v7", "windows/x"])
)
@SLOW
def test_manifests_and_configurations_are_read_or_refused(one: Any, index: Any, document: Any, platform: str) -> None:
    for plain in (one, index):
        with told(UserError):
            found = manifest.parse(json.dumps(plain).encode())
            if isinstance(found, manifest.Index):
                manifest.choose(found, platforms.parse(platform))
            else:
                manifest.parse_config(json.dumps(document).encode(), found)
    with told(UserError):
        manifest.config_of(document).to_json()


@given(st.sampled_from([MANIFEST, INDEX, CONFIG]).flatmap(lambda whole: damaged(json.dumps(whole).encode())))
@example(b"[" * 100_000)
@example(b"1" * 5000)
@example(b'{"manifests":[' + b"{}," * 2000 + b"{}]}")
@SLOW
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with told(UserError):
        manifest.parse(data)


LISTED = {
    "results": [["key", {"values": [["e", 1]], "data": {"exit": 0, "stdout": DIGEST}}]],
    "snapshots": [
        {
            "id": 1,
            "parent": None,
            "layer": {"digest": DIGEST, "size": 5, "diff_id": DIGEST, "compression": "zstd"},
            "stamp": "",
            "bootstrapped": "",
            "label": "x",
        }
    ],
}


@pytest.mark.root
@given(document=changed(LISTED))
@SLOW
def test_an_exported_cache_is_imported_or_refused(store: Store, document: Any) -> None:
    with tempfile.TemporaryDirectory() as root:
        blobs = Path(root, "blobs/sha256")
        blobs.mkdir(parents=True)
        configured = json.dumps(document).encode()
        whole = manifest.Manifest(manifest.described(transfer._CONFIG, configured), ()).to_bytes()
        for data in (configured, whole):
            (blobs / archives.digest(data)[7:]).write_bytes(data)
        index = manifest.Index((manifest.described(manifest.OCI_MANIFEST, whole),)).to_bytes()
        Path(root, "index.json").write_bytes(index)
        with told(EngineError):
            transfer.import_directory(store, Path(root), None)


# registries

CHALLENGES = (
    'Bearer realm="http://registry.test/token",service="s",scope="repository:a:pull"',
    'Bearer realm="",service=""',
    'Bearer realm="ftp://x/",service="\x01"',
    'Bearer realm="http://[::1/"',
    'Basic realm="x"',
    "Negotiate",
    "",
)
BODIES = (
    json.dumps(MANIFEST).encode(),
    b'{"token":"t","access_token":null}',
    b'{"errors":[{"code":"DENIED","message":"no"}]}',
    b'{"tags":["1",null,5],"manifests":[1]}',
    b"<html>",
    b"",
)
ANSWERS = st.tuples(
    st.sampled_from([200, 201, 202, 204, 206, 301, 307, 308, 400, 401, 403, 404, 405, 416, 429, 500, 503]),
    st.sampled_from(CHALLENGES),
    st.sampled_from(["", "/", "http://[", "/v2/a/tags/list?last=1", "//\x7f", "http://registry.test/x"]),
    st.sampled_from(["", DIGEST, "sha256:x", "md5:1", "sha512:" + "a" * 128]),
    st.sampled_from(BODIES).flatmap(damaged),
    st.sampled_from(["", "0", "-1", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", "9" * 30]),
)


def _upload(repository: Repository) -> None:
    with tempfile.NamedTemporaryFile() as file:
        location = repository.blobs.mount_or_begin(DIGEST, "b")
        if location is not None:
            repository.blobs.push(Path(file.name), DIGEST, location)


def _download(repository: Repository) -> None:
    with tempfile.TemporaryFile() as file:
        repository.blobs.get(DIGEST, file, 10)


TRUST = ssl.create_default_context()  # making one takes longer than all the rest
ACTS: dict[str, Callable[[Repository], Any]] = {
    "manifest": lambda repository: repository.manifest("1"),
    "resolve": lambda repository: repository.resolve("1"),
    "tags": lambda repository: repository.tags(),
    "referrers": lambda repository: repository.referrers(DIGEST),
    "blob": _download,
    "upload": _upload,
    "put": lambda repository: repository.put_manifest("1", manifest.OCI_MANIFEST, b"{}"),
    "delete": lambda repository: repository.delete("1"),
}


@given(st.sampled_from(list(ACTS)), st.lists(ANSWERS, min_size=1, max_size=6))
@SLOW
def test_whatever_a_registry_answers_is_told(act: str, answers: list[tuple[int, str, str, str, bytes, str]]) -> None:
    left = iter(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        status, challenge, location, said, body, later = next(left, answers[-1])
        headers = {"www-authenticate": challenge, "location": location, "docker-content-digest": said}
        headers |= {"link": f'<{location}>; rel="next"', "retry-after": later, "range": f"0-{later}"}
        headers["content-type"] = "application/json"
        sent = {name: value for name, value in headers.items() if value}
        return httpx.Response(status, headers=sent, stream=httpx.ByteStream(body))

    pauses: list[float] = []
    transport = httpx.MockTransport(answer)
    who = Credential("user", "password")
    connection = Connection("http://registry.test", who, sleep=pauses.append, trust=TRUST, transport=transport)
    with told(DistributionError):
        ACTS[act](Repository(connection, "a"))
    assert all(0 <= pause < 3600 for pause in pauses)
    connection.close()


CREDENTIALS = {
    "auths": {"ghcr.io": {"auth": "dTpw"}, "https://ghcr.io/v2/": {"username": "u", "password": "p"}},
    "credHelpers": {"example.org": "none"},
}


@given(changed(CREDENTIALS))
@example({"auths": {"ghcr.io": {"auth": "é"}}})
@example({"auths": ["ghcr.io"]})
@SLOW
def test_credentials_of_this_machine_are_read_or_refused(document: Any) -> None:
    with tempfile.TemporaryDirectory() as root:
        Path(root, "config.json").write_text(json.dumps(document))
        with told(EngineError):
            credentials.find("ghcr.io", {}, {"DOCKER_CONFIG": root, "HOME": root})
