"""Docker's user[:group] looked up in an image."""

import pytest

from baselard.engine.errors import UserError
from baselard.engine.run.containers import users
from baselard.engine.run.containers.users import User

PASSWD = "root:x:0:0:root:/root:/bin/sh\nbroken line\napp:x:1000:1001::/app:/bin/sh\n5:x:77:78:named like a number:/:\n"
GROUP = "root:x:0:\napp:x:1001:\nweb:x:33:app,other\ntools:x:44:other,app\nbad:x:number:app\n"


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("", User(0, 0, ())),
        ("root", User(0, 0, ())),
        ("app", User(1000, 1001, (33, 44))),
        ("1000", User(1000, 1001, (33, 44))),
        ("app:web", User(1000, 33)),
        ("app:44", User(1000, 44)),
        ("1234", User(1234, 0)),
        ("1234:5678", User(1234, 5678)),
        ("5", User(77, 78)),
        (":web", User(0, 33)),
    ],
)
def test_users(text, user):
    assert users.resolve(text, PASSWD, GROUP) == user


@pytest.mark.parametrize(
    ("text", "named"),
    [("ghost", "user ghost: no matching"), ("app:ghosts", "group ghosts: no matching"), ("-1", "user -1: no")],
)
def test_names_that_are_not_there(text, named):
    with pytest.raises(UserError, match=named):
        users.resolve(text, PASSWD, GROUP)


def test_an_image_without_the_files(tmp_path):
    assert users.read(tmp_path, "etc/passwd") == ""
    assert users.resolve("7:8", "", "") == User(7, 8)
    with pytest.raises(UserError):
        users.resolve("root", "", "")


def test_links_stay_inside_the_image(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").symlink_to("/real/passwd")
    (tmp_path / "real").mkdir()
    (tmp_path / "real/passwd").write_text("inside")
    assert users.read(tmp_path, "etc/passwd") == "inside"


def test_a_number_that_passwd_does_not_know_has_a_home_all_the_same() -> None:
    """Judge: docker, by the recorded cases run-user and user-unknown-number; crun, unlike runc, sets none."""
    assert [users.resolve(text, PASSWD, "").home for text in ("4242", "4242:0", "0")] == ["/", "/", ""]
