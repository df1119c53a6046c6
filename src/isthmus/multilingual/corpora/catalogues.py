"""Reading catalogues of messages, the .po files of gettext."""

import re
from collections.abc import Iterator
from pathlib import Path

import polib

from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora.files import decoded, opened
from isthmus.multilingual.corpora.rows import Row

_MOST = 2**26
"""Bytes of a file: all of it is in memory at once."""

_AT = re.compile(r"\(line (\d+)\)")
_BREAKS = dict.fromkeys(map(ord, "\v\f\x1c\x1d\x1e\x85\u2028\u2029"), " ")
"""Characters that Python takes for line breaks, but gettext does not."""


def rows_of_catalogue(path: Path) -> Iterator[Row]:
    """Read the messages of a catalogue.

    Args:
        path: The file, in UTF-8.

    Yields:
        Each message and its translation, the singular of those that have a plural; a translation
        that is missing, or marked as fuzzy, is None. Obsolete messages are left out.

    Raises:
        SpecError: It cannot be read, or is no catalogue.
    """
    with opened(path) as file:
        content = file.read(_MOST + 1)
    if len(content) > _MOST:
        raise SpecError(
            f"{path}: has more than {_MOST:,} bytes. Split it, for instance with `msggrep`, or "
            "convert it to .tsv."
        )
    lines = [
        decoded(path, line, number).translate(_BREAKS)
        for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1)
    ]
    try:
        # A text of one line could be taken for a path.
        catalogue = polib.pofile("\n".join([*lines, "", ""]), encoding="utf-8")
    except (OSError, ValueError) as error:
        at = _AT.search(str(error))
        where = f"line {int(at[1]):,}" if at else "a line"
        raise SpecError(
            f"{path}: {where} is not of a catalogue of gettext. `msgfmt --check` tells more."
        ) from None
    for entry in catalogue:
        if not entry.obsolete:
            translation = entry.msgstr or entry.msgstr_plural.get(0)
            yield Row(None, (entry.msgid, None if entry.fuzzy else translation))
