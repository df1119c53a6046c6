"""A record of all that trainings have told peers about the rows of this party, over all runs.

| file          | what it is                                                                |
|---------------|---------------------------------------------------------------------------|
| key           | a secret of this folder, under which identifiers are hashed               |
| told.jsonl    | one line per training that was started: with which peer, on which rows    |
| rows/ID.npy   | the rows of a training: hashes of their identifiers, ascending            |

Without the key the hashes tell nothing. All of it stays with the data.
"""

import hashlib
import io
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from isthmus.core.errors import SpecError
from isthmus.store import atomic, locked_lines

Rows = NDArray[np.uint64]
"""Hashes of the identifiers of rows, ascending."""

_KEY_BYTES = 32
_HASH_BYTES = 8


class Exposure(msgspec.Struct, frozen=True):
    """What one training tells one peer, at the most."""

    time: float  # seconds since 1970
    run: str  # the same for all attempts of a run
    peer: str
    dataset: str  # where the rows come from
    job: str  # digest of the job
    told: dict[str, float]  # how much, by what it is about
    rows: str = ""  # names the rows that it trains on
    total: dict[str, float] = {}  # what this training and all before tell the peer


@dataclass(frozen=True)
class Earlier:
    """What earlier trainings have told a peer about the same rows, or of the same data."""

    told: Mapping[str, float]
    trainings: int
    difference: int | None = None
    """Fewest rows by which the rows of an earlier training differ; None where none differ by less
    than was asked about."""


class Exposures:
    """The folder of all exposures of a party."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def hashes(self, identifiers: Sequence[bytes]) -> Rows:
        """Returns rows as hashes, which nobody can repeat without the key of this folder.

        An identifier that occurs again names another row than before.
        """
        key, digests = self._key(), bytearray()
        for each in identifiers:
            digests += _digest(each, key, 0)
        found = np.frombuffer(digests, np.uint64)
        ordered = np.sort(found)
        repeated = ordered[1:][ordered[1:] == ordered[:-1]]
        if not len(repeated):
            return ordered
        again = Counter[bytes]()  # of these alone: of all it would take more than their rows
        for row in np.flatnonzero(np.isin(found, repeated)).tolist():
            each = identifiers[row]
            if again[each]:
                found[row] = np.frombuffer(_digest(each, key, again[each]), np.uint64)[0]
            again[each] += 1
        return np.sort(found)

    def begin(
        self,
        exposures: Iterable[Exposure],
        rows: Rows,
        near: int,
        check: Callable[[Exposure, Earlier], None],
    ) -> None:
        """Count a training that is about to start; all attempts of a run on the same rows are one.

        Args:
            exposures: What it tells, an exposure per peer.
            rows: The rows that it trains on.
            near: Differences of rows from those of earlier trainings matter below this.
            check: Raises an error to refuse the training; nothing of it is counted then.

        Raises:
            DiskError: The disk is full.
            SpecError: Somebody has changed the files.
        """
        name = hashlib.sha256(rows.tobytes()).hexdigest()[:32]
        with locked_lines.opened(self._log, Exposure, _LOST) as log:
            new = list[Exposure]()
            for each in exposures:
                if _is_counted(log.lines, each, name):
                    continue
                earlier = self._earlier(log.lines, each, name, rows, near)
                check(each, earlier)
                total = {kind: earlier.told.get(kind, 0.0) + n for kind, n in each.told.items()}
                new.append(msgspec.structs.replace(each, rows=name, total=total))
            if new:
                self._store(name, rows)
            for each in new:
                log.add(each)

    def so_far(self, peer: str, dataset: str, but: str = "") -> Earlier:
        """Returns what a peer was told about a data set, whatever the rows.

        Args:
            peer: The peer.
            dataset: The data set.
            but: A run that is left out: it is about to go on.

        Returns:
            The sums, and of how many trainings.
        """
        if not self._log.exists():
            return Earlier({}, 0)
        with locked_lines.opened(self._log, Exposure, _LOST) as log:
            found = [each for each in log.lines if (each.peer, each.dataset) == (peer, dataset)]
        found = [each for each in found if each.run != but]
        return Earlier(_sum(found), len(found))

    def of_run(self, run: str) -> list[Exposure]:
        """Returns what a run told, an exposure per peer; of several attempts the last."""
        if not self._log.exists():
            return []
        with locked_lines.opened(self._log, Exposure, _LOST) as log:
            return list({each.peer: each for each in log.lines if each.run == run}.values())

    def among(self, run: str, identifiers: Sequence[bytes]) -> int | None:
        """Count the rows that a run trained on among others.

        Args:
            run: The run.
            identifiers: Of the others.

        Returns:
            How many; None where it is not recorded what the run trained on.
        """
        if not (found := self.of_run(run)):
            return None
        return int(np.isin(self.hashes(identifiers), self._rows(found[0].rows)).sum())

    @property
    def _log(self) -> Path:
        return self.folder / "told.jsonl"

    def _earlier(
        self, lines: Sequence[Exposure], now: Exposure, name: str, rows: Rows, near: int
    ) -> Earlier:
        """Finds earlier trainings with the peer: of the same data, or on rows that are the same."""
        theirs = [each for each in lines if each.peer == now.peer]
        apart, shared = dict[str, int](), {name}
        for other in {each.rows for each in theirs} - {name}:
            known = self._rows(other)
            apart[other] = int(np.setxor1d(rows, known, assume_unique=True).size)
            if apart[other] < len(rows) + len(known):
                shared.add(other)
        found = [each for each in theirs if each.dataset == now.dataset or each.rows in shared]
        close = [count for other, count in apart.items() if other in shared and count < near]
        return Earlier(_sum(found), len(found), min(close, default=None))

    def _store(self, name: str, rows: Rows) -> None:
        path = self._file(name)
        if not path.exists():
            content = io.BytesIO()
            np.save(content, rows, allow_pickle=False)
            path.parent.mkdir(mode=0o700, exist_ok=True)
            atomic.write(path, content.getvalue())

    def _rows(self, name: str) -> Rows:
        try:
            rows: Rows = np.load(self._file(name), allow_pickle=False).astype(np.uint64)
        except (OSError, ValueError, TypeError, EOFError) as error:
            raise SpecError(
                f"{self._file(name)}: is not the list of rows of an earlier training: {error}. Put "
                f"it back from a backup; without it {_LOST} cannot be kept."
            ) from None
        return rows

    def _file(self, name: str) -> Path:
        return self.folder / "rows" / f"{name}.npy"

    def _key(self) -> bytes:
        path = self.folder / "key"
        with locked_lines.opened(self._log, Exposure, _LOST):  # two runs must not make two keys
            if not path.exists():
                atomic.write(path, secrets.token_bytes(_KEY_BYTES))
            key = path.read_bytes()
        if len(key) != _KEY_BYTES:
            raise SpecError(
                f"{path}: is not the key of earlier rows. Put it back from a backup; without it "
                f"{_LOST} cannot be kept."
            )
        return key


_LOST = "`policy.label_exposure` and `policy.minimum_difference`"


def _digest(identifier: bytes, key: bytes, again: int) -> bytes:
    return hashlib.blake2b(
        identifier, digest_size=_HASH_BYTES, key=key, person=b"isthmus rows", salt=b"%d" % again
    ).digest()


def _is_counted(lines: Sequence[Exposure], now: Exposure, rows: str) -> bool:
    return any((each.run, each.peer, each.rows) == (now.run, now.peer, rows) for each in lines)


def _sum(found: Iterable[Exposure]) -> dict[str, float]:
    total = dict[str, float]()
    for each in found:
        for kind, amount in each.told.items():
            total[kind] = total.get(kind, 0.0) + amount
    return total
