"""The forms that identifiers have: of two files, each full of people, often one has other forms."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import starmap

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Integers
from isthmus.data.plain import Column, Mask, mask, pc

_MOST = 5
"""Forms that are told apart; rarer ones are "other"."""

_UNLIKELY = 0.001
"""A form is worth a sentence if nothing of it is found, and that would be as rare at random."""

_FEWEST = 5
"""Rows of a form that are worth a sentence."""


@dataclass(frozen=True)
class Forms:
    """The form of each identifier of one column."""

    column: str
    names: tuple[str, ...]
    codes: NDArray[np.int8]
    """Number of the form of each row, shape (rows,)."""

    def take(self, rows: Integers) -> "Forms":
        """Returns those of some rows."""
        return Forms(self.column, self.names, self.codes[rows])

    @property
    def in_words(self) -> str:
        """How many there are of each, for example "200 of 8 digits, 100 other"."""
        counts = np.bincount(self.codes, minlength=len(self.names)).tolist()
        found = [(name, count) for name, count in zip(self.names, counts, strict=True) if count]
        if len(found) == 1:
            return "all other" if found[0][0] == _OTHER else f"all of {found[0][0]}"
        return ", ".join(starmap(_counted, found))

    def never_found(self, found: Integers) -> Iterator[str]:
        """Find forms that another party seems not to have.

        Args:
            found: Positions of the rows that the other party has too.

        Yields:
            A sentence for each form of which no row was found, where chance does not explain it.
        """
        all_rows = np.bincount(self.codes, minlength=len(self.names))
        shared = np.bincount(self.codes[found], minlength=len(self.names))
        for name, rows, count in zip(self.names, all_rows, shared, strict=True):
            elsewhere = len(self.codes) - rows
            share = float(shared.sum()) / elsewhere if elsewhere else 0.0
            none_at_random = (1 - min(share, 1.0)) ** int(rows)
            if count == 0 and rows >= _FEWEST and none_at_random < _UNLIKELY:
                yield (
                    f"none of the {rows:,} rows whose {self.column!r} is {_article(name)} was "
                    f"found, and {share:.0%} of the others were: does the other party write them "
                    "in another way?"
                )


def forms(column: str, text: Column) -> Forms:
    """Tell the forms of identifiers apart.

    Args:
        column: Name of their column.
        text: The identifiers, after normalisation; none is empty.

    Returns:
        Their forms, the most frequent first.
    """
    labels = np.full(len(text), _OTHER, dtype=object)
    length: Integers = pc.utf8_length(text).to_numpy()
    for name, which in _kinds(text):
        if "{}" not in name:
            labels[which] = name
            continue
        for count in np.unique(length[which]).tolist():
            label = name.format(count) if count > 1 else "1 digit"
            labels[which & (length == count)] = label
    _join_hexadecimal(labels)
    names, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    order = sorted(range(len(names)), key=lambda each: (names[each] == _OTHER, -counts[each]))
    kept = [names[each] for each in order[:_MOST] if names[each] != _OTHER]
    place = {name: number for number, name in enumerate(kept)}
    of = np.array([place.get(name, len(kept)) for name in names], np.int8)
    rest = [_OTHER] if (of == len(kept)).any() else []
    return Forms(column, (*kept, *rest), of[codes])


def _kinds(text: Column) -> Iterator[tuple[str, Mask]]:
    for name, pattern in _PATTERNS.items():
        yield name, mask(pc.match_substring_regex(text, pattern))


def _join_hexadecimal(labels: NDArray[np.object_]) -> None:
    """Some hashes happen to have no letter."""
    for name in set(labels.tolist()):
        if name.endswith(_HEXADECIMAL):
            labels[labels == name.replace(_HEXADECIMAL, "digits")] = name


def _counted(name: str, count: int) -> str:
    return f"{count:,} {name}" if name == _OTHER else f"{count:,} of {name}"


def _article(name: str) -> str:
    return "of another form" if name == _OTHER else f"of {name}"


_OTHER = "other"
_HEXADECIMAL = "hexadecimal digits"
_PATTERNS = {
    "letters": r"^\p{L}+$",
    "letters and digits": r"^(\p{L}+[0-9]|[0-9]+\p{L})[\p{L}0-9]*$",
    "letters, a sign and digits": r"^\p{L}+[-_/.# ][0-9]+$",
    "{} " + _HEXADECIMAL: r"^[0-9a-fA-F]{16,}$",
    "{} digits": r"^[0-9]+$",
    "the form name@host": r"^[^@\s]+@[^@\s]+$",
    "the form of UUIDs": r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
    "the form of dates": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
}
"""Patterns by name, a later one before an earlier one."""
