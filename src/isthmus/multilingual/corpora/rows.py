"""Rows as the readers of all forms give them."""

from collections.abc import Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """A text with its translations, as it is in its file."""

    document: str | None
    """Name of its document, if the file has names of documents."""

    texts: Sequence[str | None]
    """Its text in each language of the corpus, in that order; None or empty where it has none."""
