"""Files with a line too many: from there on, no line stands beside its translation.

Long sentences have long translations. Where lengths of lines agree only once one file is moved by
some lines, it has lines that the other lacks.
"""

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora.sources import Source
from isthmus.multilingual.corpora.texts import Columns

_WINDOW = 256
_FEWEST = 64  # lines: the correlation of unrelated ones is then within 0.4
_MOST_MOVED = 5
_RELATED = 0.7
_MORE = 0.3  # lengths of neighbours are related too, in messages up to 0.5


def check_in_step(source: Source, columns: Columns, before: int) -> None:
    """Refuse a file per language whose lines do not belong together.

    Args:
        source: The corpus; others than of a file per language pass.
        columns: The texts of some lines.
        before: Number of lines before them.

    Raises:
        SpecError: One of the files is moved by some lines.
    """
    if not source.in_step:
        return
    first, *others = (_lengths(columns, language) for language in source.languages)
    for number, lengths in enumerate(others, 1):
        for begin in range(0, len(first), _WINDOW):
            moved = _moved(first[begin : begin + _WINDOW], lengths[begin : begin + _WINDOW])
            if moved:
                fewer, more = source.files[0], source.files[number]
                if moved < 0:
                    fewer, more = more, fewer
                raise SpecError(
                    f"{more}: about line {before + begin + 1:,}, it begins to be {abs(moved)} "
                    f"{'line' if abs(moved) == 1 else 'lines'} behind {fewer}, to judge by how "
                    "long lines are. Line n of each file must say the same: remove what the other "
                    "lacks, or write an empty line there."
                )


def _lengths(columns: Columns, language: str) -> Floats:
    return np.log1p([len(text or "") for text in columns[language]])


def _moved(left: Floats, right: Floats) -> int:
    """Returns by how many lines the right side is behind the left one; 0 where nothing tells."""
    in_step = _correlation(left, right)
    if len(left) < _FEWEST + _MOST_MOVED or in_step > _RELATED:
        return 0
    best = {lines: _correlation(left[:-lines], right[lines:]) for lines in _STEPS}
    best |= {-lines: _correlation(left[lines:], right[:-lines]) for lines in _STEPS}
    found = max(best, key=lambda lines: best[lines])
    return found if best[found] > max(_RELATED, in_step + _MORE) else 0


_STEPS = range(1, _MOST_MOVED + 1)


def _correlation(left: Floats, right: Floats) -> float:
    left, right = left - left.mean(), right - right.mean()
    size = np.sqrt((left @ left) * (right @ right))
    return float(left @ right / size) if size > 0 else 1.0
