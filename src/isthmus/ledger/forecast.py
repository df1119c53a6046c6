"""What a run will send, before it does: the ledger in advance."""

from collections.abc import Iterator
from dataclasses import dataclass

from isthmus.transport.message import Message, encode


@dataclass(frozen=True)
class Flow:
    """Messages of one type and size that one role will send."""

    sender: str
    """Role of the party that sends them."""

    sample: Message
    """A message of the same shape, with nothing in it."""

    count: int

    @property
    def bytes(self) -> int:
        """Size of all of them, encoded."""
        return self.count * len(encode(self.sample))


@dataclass(frozen=True)
class Sizes:
    """What the number and the size of messages depend on."""

    rows: dict[str, int]
    """Rows that each role brings to the alignment."""

    shared: int
    """Rows that all parties hold."""

    train: int
    """Rows trained on."""

    test: int
    """Rows scored."""

    test_rows: dict[str, int]
    """Rows that each role brings to the alignment of a test set of its own, or empty."""

    rounds: int
    """Rounds of training, the one that finds it has converged included."""

    columns: int = 1
    """Columns that a passive party trains; a regression's job says so itself."""


def blocks(rows: int, size: int) -> Iterator[tuple[int, int]]:
    """How often blocks of which size come when `rows` rows go in blocks of `size`."""
    if rows >= size:
        yield rows // size, size
    if rows % size:
        yield 1, rows % size
