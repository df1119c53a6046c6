"""What is said of a broken file of ours: never the words of a library, which may quote it."""

import zipfile

import msgspec
import pytest

from isthmus.core.broken import fault


class Kept(msgspec.Struct):
    """A file of ours."""

    rows: dict[str, int]


def error_of(content: bytes) -> Exception:
    """What msgspec says of it."""
    with pytest.raises(msgspec.DecodeError) as caught:
        msgspec.json.decode(content, type=Kept)
    error: Exception = caught.value
    return error


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"rows": {"train": "secret"}}', "`rows[...]` is missing or is not what isthmus writes"),
        (b'{"rows": "secret"}', "`rows` is missing or is not what isthmus writes there"),
        (b'{"secret": 1}', "something in it is missing or is not what isthmus writes there"),
        (b'{"rows": {"secr', "it is no JSON, or is cut short"),
        (b"secret", "it is no JSON, or is cut short"),
    ],
)
def test_a_file_of_json(content: bytes, said: str) -> None:
    found = fault(error_of(content))
    assert found.startswith(said)
    assert "secret" not in found


def test_a_file_that_cannot_be_read() -> None:
    assert (
        fault(PermissionError(13, "Permission denied")) == "it cannot be read (Permission denied)"
    )


def test_any_other_file() -> None:
    assert fault(zipfile.BadZipFile("secret")).startswith(
        "it is cut short, or holds something else"
    )
