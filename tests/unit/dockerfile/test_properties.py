"""No input crashes, loops, or leaves the context."""

import posixpath

from hypothesis import given, settings
from hypothesis import strategies as st

from baselard.dockerfile.plan.lower import lower_stage
from baselard.dockerfile.plan.references import context_key, familiar
from baselard.dockerfile.plan.stages import BuildOptions, make_plan
from baselard.dockerfile.plan.steps import CopyStep, MakeDirectory
from baselard.dockerfile.syntax.directives import read_directives
from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.dockerfile.syntax.ignore import read_ignore
from baselard.dockerfile.syntax.modes import parse_mode
from baselard.dockerfile.syntax.paths import absolute, destination, relative
from baselard.dockerfile.syntax.ports import parse_ports
from baselard.dockerfile.syntax.text import parse
from baselard.oci.image_config import ImageConfig

PLAIN_WORDS = """
FROM RUN COPY ADD ENV ARG LABEL USER WORKDIR CMD ENTRYPOINT SHELL ONBUILD HEALTHCHECK EXPOSE VOLUME STOPSIGNAL
MAINTAINER scratch busybox AS as a b $A ${A} ${A:-b} ${A:?x} ${A/ ${ " ' \\ # <<EOF EOF [ ] , = --from=a --from=0
--chown=1:2 --chmod=u+x --mount=type=cache,target=/x --mount= --link / . .. ../../x * ** [a-z] ! A=1 A= =1 80/tcp
1-9 é `
"""
ODD_WORDS = ["\n", "\r\n", "\t", " ", "\\\n", "\0", '["a","b"]', "# syntax=docker/dockerfile:1", "# escape=`\n"]
WORDS = st.sampled_from([*PLAIN_WORDS.split(), *ODD_WORDS])
TEXTS = st.one_of(st.text(max_size=300), st.lists(WORDS, max_size=40).map(" ".join))
BODIES = st.lists(st.lists(WORDS, max_size=8).map(" ".join), max_size=8).map("\n".join)
PATHS = st.text(alphabet="ab./\\* $é", max_size=30)


@given(TEXTS)
@settings(max_examples=400)
def test_any_text_is_parsed_or_refused_with_a_place(text: str) -> None:
    try:
        parsed = parse(text, "f")
    except DockerfileError as error:
        assert str(error).startswith("f")
        assert 0 <= error.line <= text.count("\n") + text.count("\r") + 1
    else:
        assert parsed.stages


@given(BODIES, st.dictionaries(st.sampled_from(["A", "B"]), st.text(max_size=5)))
@settings(max_examples=400)
def test_any_stage_is_lowered_or_refused(body: str, args: dict[str, str]) -> None:
    try:
        plan = make_plan(parse("FROM scratch AS a\n" + body), BuildOptions(args))
        found = [lower_stage(plan, stage, ImageConfig(), from_nothing=True) for stage in plan.stages]
    except DockerfileError:
        return
    for step in (step for lowered in found for step in lowered.steps):
        if isinstance(step, CopyStep | MakeDirectory):
            path = step.dest if isinstance(step, CopyStep) else step.path
            assert path.startswith("/")
            assert ".." not in path.split("/")


@given(PATHS, PATHS)
def test_no_path_leaves_its_root(base: str, path: str) -> None:
    for found in (absolute(base, path), destination(base, path), "/" + relative(path)):
        assert found.startswith("/")
        assert ".." not in found.split("/")
    assert posixpath.normpath(absolute(base, path)) == absolute(base, path)


@given(st.text(max_size=60))
def test_small_readers_only_ever_raise_value_errors(text: str) -> None:
    for reader in (familiar, parse_ports, parse_mode):
        try:
            reader(text)
        except ValueError:
            continue


@given(st.text(alphabet="abc/:.@-_A1 ", max_size=40))
def test_the_normal_form_is_its_own_normal_form(name: str) -> None:
    assert context_key(context_key(name)) == context_key(name)


@given(TEXTS)
def test_directives_and_ignore_files_of_any_kind(text: str) -> None:
    for reader in (read_directives, read_ignore):
        try:
            reader(text, "f")
        except DockerfileError:
            continue
