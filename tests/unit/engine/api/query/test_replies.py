import json
import os

from baselard.engine.api.query import replies


def test_file_names_that_are_no_text_are_readable_json() -> None:
    name = os.fsdecode(b"caf\xe9 \xc3\xa9")
    answer = json.loads(replies._json({"data": {"entries": [name]}}))
    assert answer == {"data": {"entries": ["caf\ufffd é"]}}


def test_messages_too() -> None:
    assert json.loads(replies.message("no \ud800")) == {"errors": [{"message": "no \ufffd"}]}
