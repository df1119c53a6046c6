"""Attribution: which samples convert, and when that is known.

A sample converts if a row of the data set of conversions has its key, and a time that is not before
the sample's and not more than the window after it. The data are at hand, so a sample's final label
is found when the sample is read; who may know it when is decided elsewhere (`stream`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Bools, Floats
from isthmus.core.errors import SpecError
from isthmus.data.batches import Block, BlockReader, Place
from isthmus.data.spec import Dataset
from isthmus.multitask.feed import cells
from isthmus.multitask.feed.cells import Column
from isthmus.multitask.feed.moments import Moments, moments
from isthmus.multitask.feed.sample_arrays import Arrays
from isthmus.multitask.spec import Conversions
from isthmus.paramserver.window import DEFAULT, Int64s

_CHUNK = 2**18  # conversions that are sorted together
_SECONDS_AN_HOUR = 3600.0


@dataclass(frozen=True)
class _Chunk:
    """Consecutive conversions, sorted by key, then by time."""

    place: Place
    keys: Int64s
    times: Floats
    last: float


@dataclass(frozen=True)
class Delays:
    """What is known of the label of each sample of a block, by the clock of one task."""

    clock: Floats
    """Time of each sample in seconds, rising, shape (samples,)."""

    until: Floats
    """Time of its conversion, or the end of its window if there is none, shape (samples,)."""

    over: Floats
    """The end of its window, shape (samples,)."""

    converted: Bools
    """Shape (samples,)."""


class Attribution:
    """Joins the conversions of one task, of which it reads as many as lie within the window."""

    def __init__(self, spec: Conversions, dataset: Dataset, folder: Path) -> None:
        """Prepare to read.

        Args:
            spec: What the task says of its conversions.
            dataset: The data set of conversions.
            folder: Its path is relative to this folder.

        Raises:
            SpecError: It cannot be read, or lacks a column.
        """
        self._spec = spec
        self._reader = BlockReader(
            dataset,
            folder,
            {spec.key: "any", spec.time: "time"},
            may_be_empty=True,  # nobody has converted yet
        )
        self._files = self._reader.fingerprint()
        self._window = spec.within_hours * _SECONDS_AN_HOUR
        self._chunks = list[_Chunk]()
        self.begin()

    def begin(self) -> None:
        """Go back to the first row of both data sets."""
        self._clock = -np.inf  # time of the last sample
        self._told = -np.inf
        self._go_to(Place())

    @property
    def told(self) -> float:
        """The last time of a sample or conversion that was read, in seconds."""
        return self._told

    def join(self, block: Block) -> Delays:
        """Find the conversions of samples.

        Args:
            block: Rows of the data set of samples, after those of the last call.

        Returns:
            When they convert.

        Raises:
            SpecError: Times of either data set fall, or are missing, or are not comparable.
        """
        where = block.where
        clock = moments(Column(block.rows.column(self._spec.time), self._spec.time, where))
        self._clock = _check_rising(clock, self._clock, self._spec.time, where)
        keys = cells.hashes(Column(block.rows.column(self._spec.key), self._spec.key, where))
        self._read_until(clock, self._clock + self._window, where)
        self._told = max(self._told, self._clock, self._last)
        self._chunks = [chunk for chunk in self._chunks if chunk.last >= clock.seconds[0]]
        order = np.argsort(keys)  # the search is faster in the order of the keys
        found = np.full(len(keys), np.nan)
        for chunk in self._chunks:
            found[order] = np.fmin(
                found[order], self._find(chunk, keys[order], clock.seconds[order])
            )
        converted = ~np.isnan(found)
        over = clock.seconds + self._window
        return Delays(clock.seconds, np.where(converted, found, over), over, converted)

    def state(self, name: str) -> dict[str, NDArray[Any]]:
        """Returns where reading stands, each array under a name that begins with `name`."""
        place = self._chunks[0].place if self._chunks else self._next
        return {
            f"{name}.place": np.array([place.file, place.row, place.total]),
            f"{name}.clock": np.array([self._clock, self._told]),
            f"{name}.files": self._files,
        }

    def restore(self, name: str, state: Arrays) -> None:
        """Go on where reading stood.

        Args:
            name: What `state` was called with.
            state: Its result, and other arrays.

        Raises:
            SpecError: A file has changed since.
        """
        self._reader.check_unchanged(state[f"{name}.files"])
        self._clock, self._told = map(float, state[f"{name}.clock"])
        self._go_to(Place(*state[f"{name}.place"].tolist()))

    def _go_to(self, place: Place) -> None:
        self._blocks: Iterator[Block] | None = self._reader.blocks(place)
        self._chunks = []
        self._next = place
        self._last = -np.inf  # time of the last conversion that was read

    def _read_until(self, clock: Moments, end: float, where: str) -> None:
        """Read conversions up to a time."""
        while self._blocks is not None and self._last <= end:
            place, keys, times = self._next, list[Int64s](), list[Floats]()
            count = 0
            for block in self._blocks:
                key, time = self._conversions(block, clock, where)
                keys.append(key)
                times.append(time)
                count += block.rows.num_rows
                self._next = block.next
                if count >= _CHUNK:
                    break
            else:
                self._blocks = None
            if keys:
                self._chunks.append(_chunk(place, np.concatenate(keys), np.concatenate(times)))

    def _conversions(self, block: Block, clock: Moments, beside: str) -> tuple[Int64s, Floats]:
        """Read a block of conversions.

        Args:
            block: Rows of them.
            clock: Times of the samples that they are joined to.
            beside: The file of these samples.

        Returns:
            Keys and times of those that have a key.

        Raises:
            SpecError: Times fall, or are not comparable with those of the samples.
        """
        where = block.where
        time = moments(Column(block.rows.column(self._spec.time), self._spec.time, where))
        if time.calendar != clock.calendar:
            raise SpecError(
                f"{where}: column {self._spec.time!r} holds "
                f"{'timestamps' if time.calendar else 'seconds'}, but that of {beside} does not. "
                "Give both data sets seconds, or both timestamps."
            )
        self._last = _check_rising(time, self._last, self._spec.time, where)
        keys = cells.hashes(Column(block.rows.column(self._spec.key), self._spec.key, where))
        named = keys != DEFAULT
        return keys[named], time.seconds[named]

    def _find(self, chunk: _Chunk, keys: Int64s, times: Floats) -> Floats:
        """Returns when samples first convert among the conversions of a chunk; NaN: never."""
        found = np.full(len(keys), np.nan)
        at = np.searchsorted(chunk.keys, keys)
        rows = np.arange(len(keys))
        while True:
            here = at < len(chunk.keys)
            here[here] = chunk.keys[at[here]] == keys[rows[here]]
            rows, at = rows[here], at[here]
            if not len(rows):
                return found
            early = chunk.times[at] < times[rows]
            within = ~early & (chunk.times[at] <= times[rows] + self._window)
            found[rows[within]] = chunk.times[at[within]]
            rows, at = rows[early], at[early] + 1


def _chunk(place: Place, keys: Int64s, times: Floats) -> _Chunk:
    order = np.lexsort((times, keys))
    last = float(times[-1]) if len(times) else -np.inf
    return _Chunk(place, keys[order], times[order], last)


def _check_rising(time: Moments, before: float, name: str, where: str) -> float:
    """Refuse times that fall.

    Args:
        time: Times of rows.
        before: The one before them.
        name: Their column.
        where: Its file.

    Returns:
        The last of them.

    Raises:
        SpecError: One is before its predecessor.
    """
    seconds = time.seconds
    falls = np.count_nonzero(np.diff(seconds, prepend=before) < 0)
    if falls:
        raise SpecError(
            f"{where}: column {name!r} falls {falls} times among {len(seconds)} rows. Sort the "
            "rows by it: conversions are joined as time goes on."
        )
    return float(seconds[-1])
