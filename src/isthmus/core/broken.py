"""Faults of files that isthmus itself wrote, in our words: libraries may quote a file."""

import re

import msgspec

_PLACE = re.compile(r"at `\$\.?([^`]+)`")


def fault(error: Exception) -> str:
    """Say what is wrong with a file of ours.

    Args:
        error: What a library said when it read the file.

    Returns:
        A clause about the file, without a full stop.
    """
    match error:
        case msgspec.ValidationError():
            found = _PLACE.search(str(error))
            where = f"`{found[1]}`" if found else "something in it"
            return f"{where} is missing or is not what isthmus writes there"
        case msgspec.DecodeError() | UnicodeDecodeError() | RecursionError():
            return "it is no JSON, or is cut short"
        case OSError(strerror=str(reason)):
            return f"it cannot be read ({reason})"
        case _:
            return "it is cut short, or holds something else than isthmus writes"
