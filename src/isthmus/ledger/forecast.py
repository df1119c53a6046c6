"""Forecasts of the messages that a run will send, made before it starts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from isthmus.transport.message import Message, encode


@dataclass(frozen=True)
class Flow:
    """Messages of one type and size that one role will send."""

    sender: str
    """Role of the sending party."""

    sample: Message
    """A message of the same size; its values mean nothing."""

    count: int

    @property
    def bytes(self) -> int:
        """Size of all of them, encoded."""
        return self.count * len(encode(self.sample))


@dataclass(frozen=True)
class Sizes:
    """The sizes that the number and the bytes of messages depend on."""

    rows: dict[str, int]
    """Rows of each role before the alignment."""

    shared: int
    """Rows that all parties have."""

    train: int
    """Training rows."""

    test: int
    """Test rows."""

    test_rows: dict[str, int]
    """Rows of each role before the alignment of a separate test set; empty if there is none."""

    rounds: int
    """Rounds of training, with the last one, which finds that training has converged."""

    columns: int = 1
    """Columns of a passive party; not used for a regression, whose job has the number."""

    requests: dict[int, int] | None = None
    """Requests to score rows online, by their number of rows; None: as many as the job allows."""

    prepared: Mapping[str, int] = field(default_factory=dict[str, int])
    """Columns that parties train, by name, once they are prepared; of others it is not known."""

    functions: tuple[int, ...] = ()
    """Products that make up a residual in each round of a regression at the level `shared`; empty:
    as many as the job allows."""


def blocks(rows: int, size: int) -> Iterator[tuple[int, int]]:
    """Yields (number of blocks, rows of a block) for `rows` rows in blocks of at most `size`."""
    if rows >= size:
        yield rows // size, size
    if rows % size:
        yield 1, rows % size
