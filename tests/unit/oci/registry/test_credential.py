"""What of a secret is the password. The judge is `docker login --password-stdin` (cli/command/registry/login.go)."""

import pytest

from baselard.oci.registry.credential import as_password

# What is piped to docker login, and the password that it then sends.
PIPED = [
    ("hunter2", "hunter2"),
    ("hunter2\n", "hunter2"),
    ("hunter2\r\n", "hunter2"),
    ("hunter2\r", "hunter2"),
    ("hunter2\n\n", "hunter2\n"),
    ("hunter2\n\r", "hunter2\n"),
    (" hunter2 \n", " hunter2 "),
    ("\nhunter2", "\nhunter2"),
    ('{\n  "type": "service_account"\n}\n', '{\n  "type": "service_account"\n}'),
    ("\n", ""),
    ("", ""),
]


@pytest.mark.parametrize(("secret", "password"), PIPED)
def test_one_final_line_end_is_no_part_of_a_password(secret: str, password: str) -> None:
    assert as_password(secret) == password
