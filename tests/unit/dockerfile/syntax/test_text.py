import pytest

from baselard.dockerfile.syntax import instructions as ins
from baselard.dockerfile.syntax.errors import DockerfileError
from baselard.dockerfile.syntax.text import parse

FROM = "FROM busybox\n"


def only(line: str) -> ins.Instruction:
    (stage,) = parse(FROM + line).stages
    return stage.instructions[0]


def refusal(text: str) -> DockerfileError:
    with pytest.raises(DockerfileError) as caught:
        parse(text, "docker/Dockerfile")
    return caught.value


def test_error_shows_file_line_and_source() -> None:
    error = refusal("FROM busybox\n\nCOPY --form=x a b\n")
    assert str(error) == ("docker/Dockerfile:3: unknown flag: --form (did you mean from?)\n  | COPY --form=x a b")
    assert (error.file, error.line, error.source) == ("docker/Dockerfile", 3, "COPY --form=x a b")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("RNU true", "unknown instruction: RNU (did you mean RUN?)"),
        ("COPY a", "COPY requires at least two arguments, but only one was provided"),
        ("COPY --chown a b", "missing a value on flag: --chown"),
        ("COPY --link=maybe a b", "expecting boolean value for flag --link, not: maybe"),
        ("COPY --chown=1 --chown=2 a b", "duplicate flag specified: chown"),
        ("ADD --from=x a b", "unknown flag: --from"),
        ("ENV A", "ENV must have two arguments"),
        ("EXPOSE", "EXPOSE requires at least one argument"),
        ("SHELL /bin/sh", "SHELL requires the arguments to be in JSON form"),
        ("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"),
        ("HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"),
        ("HEALTHCHECK --interval=1x CMD y", 'time: invalid duration "1x"'),
        ("HEALTHCHECK --interval=\u0663s CMD y", 'time: invalid duration "\u0663s"'),
        ("HEALTHCHECK --interval=999us CMD y", 'Interval "interval" cannot be less than 1ms'),
        ("HEALTHCHECK --retries=x CMD y", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("RUN --network=lan true", 'unsupported network mode "lan"'),
        ("RUN --security=none true", 'unsupported security mode "none"'),
        ("ONBUILD ONBUILD RUN x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"),
        ("COPY --from=$X a b", "variable expansion is not supported for --from"),
        ("RUN <<EOF\nx", "unterminated heredoc"),
        ("ADD --checksum=sha256:0 a b /c", "checksum can't be specified for multiple sources"),
    ],
)
def test_refusals_say_what_buildkit_says(line: str, message: str) -> None:
    error = refusal(FROM + line)
    assert error.message.startswith(message)
    assert error.line == 2


def test_no_stage() -> None:
    assert refusal("# nothing\n").message == "file with no instructions"
    assert refusal("ARG A\n").message == "dockerfile contains no stages to build"


def test_instruction_before_from() -> None:
    assert refusal("RUN x\nFROM y\n").message == "no build stage in current context"


def test_shell_form_of_copy_splits_at_every_space() -> None:
    copy = only('COPY "a b" /c')
    assert isinstance(copy, ins.Copy)
    assert copy.sources == ('"a', 'b"')


def test_copy_heredocs_are_sources_of_their_own() -> None:
    copy = only("COPY <<one a <<-'two' /d/\n1\none\n\t2\ntwo\n")
    assert isinstance(copy, ins.Copy)
    assert copy.sources == ("a",)
    assert [(doc.name, doc.text, doc.expand) for doc in copy.heredocs] == [("one", "1\n", True), ("two", "2\n", False)]


def test_json_copy_has_no_heredocs() -> None:
    copy = only('COPY ["<<a", "/b"]')
    assert isinstance(copy, ins.Copy)
    assert copy.sources == ("<<a",)


def test_onbuild_keeps_its_trigger_as_written() -> None:
    assert only("ONBUILD   COPY  a   b") == ins.Onbuild(
        only("ONBUILD COPY a b").place.__class__("Dockerfile", 2, "ONBUILD   COPY  a   b"), "COPY  a   b"
    )


def test_healthcheck_durations_are_nanoseconds() -> None:
    found = only('HEALTHCHECK --interval=1m30s --timeout=1.5s --start-period=2h --retries=3 CMD ["a"]')
    assert isinstance(found, ins.Healthcheck)
    check = found.check
    assert (check.test, check.interval, check.timeout) == (("CMD", "a"), 90 * 10**9, 1_500_000_000)
    assert (check.start_period, check.start_interval, check.retries) == (7200 * 10**9, 0, 3)


def test_stage_names_are_lower_case() -> None:
    assert parse("FROM x AS Build").stages[0].name == "build"


def test_warning_for_an_empty_continuation_line() -> None:
    (warning,) = parse("FROM x\nRUN a \\\n\n  b\n").warnings
    assert (warning.rule, warning.place.line) == ("NoEmptyContinuation", 4)
