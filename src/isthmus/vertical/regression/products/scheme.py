"""The interface of the two kinds of schemes: of single numbers (`additive`), of vectors (`bfv`)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from isthmus.core.arrays import Integers
from isthmus.crypto import fixed_point
from isthmus.crypto.radix import Quantised


@dataclass(frozen=True)
class Declared:
    """Numbers of a product that both sides know before it.

    Attributes:
        columns: Columns of the column side: as many sums.
        rows: Rows of a sum.
        value_bits: Values are of a magnitude of at most two to this power; None for sums modulo
            the prime of the slots of "bfv", whose values are any modulo it.
        feature_bits: Integers of columns are of a magnitude below two to this power.
    """

    columns: int
    rows: int
    value_bits: int | None
    feature_bits: int


@dataclass(frozen=True)
class Bounds(fixed_point.Bounds):
    """Bounds of values that are real numbers in fixed point."""

    def declared(self, columns: int, rows: int) -> Declared:
        """Declare a product.

        Args:
            columns: Columns of the column side.
            rows: Rows of the product, at most `self.rows`.

        Returns:
            Its numbers.

        Raises:
            ValueError: There are more rows.
        """
        if rows > self.rows:
            raise ValueError(f"a product of {rows} rows is beyond bounds for {self.rows}")
        return Declared(columns, rows, self.residual_bits, self.feature_bits)


@dataclass(frozen=True)
class Modular:
    """Bounds of values that are integers modulo the prime of the slots of "bfv"."""

    feature_bits: int

    def declared(self, columns: int, rows: int) -> Declared:
        """Returns the numbers of a product."""
        return Declared(columns, rows, None, self.feature_bits)


class Encryptor(Protocol):
    """Encrypts values, in any process of their owner."""

    def encrypt(self, values: Integers) -> bytes:
        """Encrypt a block of rows.

        Args:
            values: Shape (rows of the block,).

        Returns:
            The bytes to send.

        Raises:
            ValueError: A value is beyond what was declared.
        """
        ...


class Owner(Encryptor, Protocol):
    """The keys of a product, or of a run, at the value side."""

    def public(self) -> bytes:
        """Returns the public keys, to send."""
        ...

    def stored(self) -> bytes:
        """Returns what other processes of this party need to encrypt: never for another party."""
        ...

    def open(self, masked: bytes) -> bytes:
        """Decrypt masked sums.

        Args:
            masked: Result of `Sums.finish` at the column side, as received.

        Returns:
            The masked sums, to send.

        Raises:
            ValueError: No honest party sends this.
        """
        ...


class Part(Protocol):
    """Encrypted sums over some of the rows."""

    def dump(self) -> bytes:
        """Returns bytes for another process of this party."""
        ...


_PartT = TypeVar("_PartT", bound=Part)
_PartT_co = TypeVar("_PartT_co", bound=Part, covariant=True)


class Columns(Protocol[_PartT_co]):
    """Columns of a shard of rows, to be multiplied product after product."""

    def multiply(self, key: bytes, blocks: Iterable[bytes]) -> _PartT_co:
        """Multiply the columns by the values of the shard's rows, and add up.

        Args:
            key: The public keys of the value side, as received.
            blocks: The encrypted values, block by block, as received.

        Returns:
            The sums over these rows.

        Raises:
            ValueError: A block is not what an honest party sends.
        """
        ...


class Sums(Protocol[_PartT]):
    """The sums of one product at the column side."""

    def load(self, part: bytes) -> _PartT:
        """Returns what `Part.dump` encoded in another process of this party."""
        ...

    def finish(self, parts: Sequence[_PartT]) -> bytes:
        """Add up the parts, mask the sums, and re-randomise them: once.

        Args:
            parts: Of all rows, each once.

        Returns:
            The masked sums, to send.
        """
        ...

    def unmask(self, opened: bytes) -> list[int]:
        """Take the masks off.

        Args:
            opened: Result of `Owner.open` at the value side, as received.

        Returns:
            The sums, one per column.

        Raises:
            ValueError: No honest party sends this.
        """
        ...


class Kind(Protocol[_PartT]):
    """A kind of schemes, with what the job and the party say of it."""

    @property
    def seed_bytes(self) -> int:
        """Bytes of the column side's seed; 0 where keys need none."""
        ...

    @property
    def key_per_product(self) -> bool:
        """Whether keys are made for each product; else one serves a whole run."""
        ...

    @property
    def block_rows(self) -> int:
        """Rows of a block."""
        ...

    def owner(self, declared: Declared, seed: bytes) -> Owner:
        """Make keys.

        Args:
            declared: Numbers of the product.
            seed: From the column side.

        Returns:
            The keys.

        Raises:
            ValueError: The seed has another length.
        """
        ...

    def encryptor(self, declared: Declared, stored: bytes) -> Encryptor:
        """Returns the keys that `Owner.stored` encoded in another process."""
        ...

    def columns(self, declared: Declared, shard: Quantised, cache_bytes: int) -> Columns[_PartT]:
        """Prepare the columns of a shard.

        Args:
            declared: Numbers of the product.
            shard: Whole blocks of rows; the last one may be short.
            cache_bytes: Most bytes to keep beside the columns.

        Returns:
            The columns.
        """
        ...

    def sums(self, declared: Declared, key: bytes, seed: bytes) -> Sums[_PartT]:
        """Start a product at the column side.

        Args:
            declared: Numbers of the product.
            key: The public keys of the value side, as received.
            seed: The seed that was sent for them.

        Returns:
            Its sums.

        Raises:
            ValueError: The keys are not what an honest party sends.
        """
        ...
