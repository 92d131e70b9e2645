"""Streams of containers: secrets hidden, order kept, ends shown."""

import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselard.engine.host.process import STDERR, STDOUT
from baselard.engine.run.containers import streams
from baselard.engine.run.containers.streams import Capture, Scrubber
from baselard.engine.store.database import Store


def scrub(secrets, chunks):
    scrubber = Scrubber(streams.scrubbable(secrets))
    return b"".join([*(scrubber.feed(chunk) for chunk in chunks), scrubber.rest()])


@pytest.mark.parametrize(
    ("chunks", "shown"),
    [
        ([b"a hunter2 b"], b"a *** b"),
        ([b"a hun", b"ter", b"2 b"], b"a *** b"),
        ([b"hunter", b" 2"], b"hunter 2"),
        ([b"huhunter2hunter2"], b"hu******"),
        ([b"hunter"], b"hunter"),
    ],
)
def test_secrets_are_hidden_wherever_chunks_end(chunks, shown):
    assert scrub([b"hunter2"], chunks) == shown


def test_white_space_around_a_secret_need_not_be_shown_for_it_to_be_hidden():
    assert scrub([b"line one\nline two\n"], [b"<line one\nline two>"]) == b"<***>"


def test_a_secret_within_a_secret():
    assert scrub([b"pass", b"password"], [b"password pass"]) == b"*** ***"


def test_no_secret_no_change():
    assert scrub([b"", b" "], [b"as", b" is"]) == b"as is"


@given(st.binary(max_size=40), st.lists(st.integers(0, 40), max_size=5))
def test_cutting_changes_nothing(data, cuts):
    text = data.replace(b"s", b"secret")
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    chunks = [text[start:end] for start, end in itertools.pairwise(edges)]
    assert scrub([b"secret"], chunks) == text.replace(b"secret", b"***")


def test_capture_keeps_three_streams_and_shows_them_at_once(tmp_path):
    store = Store.open(tmp_path)
    shown = []
    with Capture(store, lambda stream, data: shown.append((stream, data)), (b"pw",)) as capture:
        capture.feed(STDOUT, b"one pw\n")
        capture.feed(STDERR, b"two\n")
        capture.feed(STDOUT, b"three p")
        kept = capture.finish()
    texts = {name: store.blob_path(blob).read_bytes() for name, blob in kept.items()}
    assert texts == {"stdout": b"one ***\nthree p", "stderr": b"two\n", "combined": b"one ***\ntwo\nthree p"}
    assert shown[0] == (STDOUT, b"one ***\n")
    assert kept["stderr"] == "sha256:" + hashlib.sha256(b"two\n").hexdigest()
    store.close()


def test_the_end_of_a_long_stream_says_what_is_left_out(tmp_path):
    path = tmp_path / "stream"
    path.write_bytes(b"x" * 500 + b"the end")
    text = streams.tail(path, 100)
    assert text.endswith("the end")
    assert text.startswith("[omitting 407 bytes]...xxx")
    assert len(text) == 100
    assert streams.tail(path, 507) == path.read_text()
