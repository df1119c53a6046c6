"""Residues modulo one number in batches: the one caller of the C code, which checks what it passes.

A *row* is a residue in Montgomery's form (x R for x), in limbs of 52 bits. Rows are not the least
residues: only `leave` returns those.
"""

import os
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Integers
from isthmus.crypto.kernel.library import Library
from isthmus.crypto.threads import spread

Rows = NDArray[np.uint64]
"""Residues, shape (count, words of a row)."""

Digits = NDArray[np.uint8]

ENTRIES = 256
"""Entries of a window of a table of powers: one for each value of a byte."""

_LIMB_BITS = 52
_CORES = os.cpu_count() or 1
_SLACK_BITS = 4  # R >= 16 n, which the bounds in `source/montgomery.inc` need
_BLOCK = 1024  # products that are worth a thread: a quarter of a millisecond or more
_LISTS = 256  # pieces of long lists: so many that lanes and threads end together


class Field:
    """Arithmetic modulo one odd number."""

    def __init__(self, library: Library, modulus: int) -> None:
        """Compute the constants of a modulus.

        Args:
            library: The compiled code.
            modulus: Odd, 3 or more.

        Raises:
            ValueError: The modulus is even, or has more bits than the code has room for.
        """
        if modulus < 3 or modulus % 2 == 0:  # noqa: PLR2004 - the least odd modulus
            raise ValueError("a modulus is odd, and 3 or more")
        bits = modulus.bit_length()
        self.limbs = next((limbs for limbs in library if bits <= most_bits(limbs)), 0)
        if not self.limbs:
            raise ValueError(f"a modulus of {bits} bits is too long")
        self.words = -(-self.limbs // 8) * 8
        self.width = (modulus.bit_length() + 7) // 8
        self._code = library[self.limbs]
        r = 1 << (_LIMB_BITS * self.limbs)
        inverse = pow(-modulus, -1, 1 << _LIMB_BITS)
        numbers = [modulus, r % modulus, r**2 % modulus, r**3 % modulus]
        self._constants = np.array([*self._split(numbers), inverse], np.uint64)

    def wipe(self) -> None:
        """Overwrite the modulus and what is computed of it, where that is a secret."""
        self._constants.fill(0)

    def ones(self, count: int) -> Rows:
        """Returns rows that are all one."""
        rows = np.zeros((count, self.words), np.uint64)
        rows[:, : self.limbs] = self._constants[self.limbs : 2 * self.limbs]
        return rows

    def enter(self, data: bytes, width: int) -> Rows:
        """Take plain numbers in.

        Args:
            data: Big-endian numbers of `width` bytes, which need not be below the modulus.
            width: At most 13 bytes for every limb.

        Returns:
            The rows.

        Raises:
            ValueError: The bytes are not such numbers.
        """
        if not 0 < width <= 13 * self.limbs or len(data) % width:
            raise ValueError(f"{len(data)} bytes are not numbers of {width} bytes each")
        plain = np.frombuffer(data, np.uint8).reshape(-1, width)
        out = self._empty(len(plain))

        def work(part: slice) -> None:
            self._code.enter(self._constants, out[part], plain[part], len(out[part]), width)

        _in_parts(work, len(out), 1)
        return out

    def leave(self, rows: Rows, width: int) -> bytes:
        """Returns least residues.

        Args:
            rows: The rows.
            width: Bytes of each number: enough for the modulus.

        Returns:
            Big-endian numbers.

        Raises:
            ValueError: The numbers could have more bytes.
        """
        self._check(rows)
        if width < self.width:
            raise ValueError(f"{width} bytes do not hold a residue of {self.width}")
        out = np.empty((len(rows), width), np.uint8)

        def work(part: slice) -> None:
            self._code.leave(self._constants, out[part], rows[part], len(out[part]), width)

        _in_parts(work, len(rows), 1)
        return out.tobytes()

    def times(self, one: Rows, other: Rows) -> Rows:
        """Returns the products of rows, pair by pair.

        Args:
            one: Rows.
            other: As many rows.

        Returns:
            As many rows.

        Raises:
            ValueError: There are not as many of both.
        """
        self._check(one, other)
        if len(one) != len(other):
            raise ValueError(f"{len(one)} and {len(other)} rows are no pairs")
        out = self._empty(len(one))

        def work(part: slice) -> None:
            count = len(out[part])
            self._code.times(self._constants, out[part], one[part], other[part], count)

        _in_parts(work, len(out), 1)
        return out

    def squares(self, rows: Rows, times: int) -> Rows:
        """Returns rows that were squared so many times."""
        self._check(rows)
        out = self._empty(len(rows))

        def work(part: slice) -> None:
            self._code.squares(self._constants, out[part], rows[part], len(out[part]), times)

        _in_parts(work, len(out), times)
        return out

    def sums(self, rows: Rows, index: Integers, starts: Integers) -> Rows:
        """Returns the product of the rows of each list: it encrypts the sum of their plaintexts.

        Args:
            rows: Rows.
            index: Positions in `rows`, list after list.
            starts: Where each list starts in `index`, and where the last one ends.

        Returns:
            A row for each list; one for an empty list.

        Raises:
            ValueError: A position is none of a row, or the lists are none.
        """
        self._check(rows)
        if index.ndim != 1 or (index.size and not 0 <= index.min() <= index.max() < len(rows)):
            raise ValueError(f"a position is none of {len(rows)} rows")
        if (
            starts.ndim != 1
            or len(starts) < 1
            or starts[0] != 0
            or starts[-1] != len(index)
            or (np.diff(starts) < 0).any()
        ):
            raise ValueError(f"lists do not start in order from 0 to {len(index)}")
        filled = np.flatnonzero(np.diff(starts))
        if not filled.size:
            return self.ones(len(starts) - 1)
        bounds = np.append(starts[filled], starts[-1])
        products = self._products(rows, index.astype(np.int32), bounds)
        if len(filled) == len(starts) - 1:
            return products
        out = self.ones(len(starts) - 1)
        out[filled] = products
        return out

    def table(self, base: int, windows: int, start: int = 1) -> Rows:
        """Make a table of the powers of a base.

        Args:
            base: Below the modulus.
            windows: Bytes of exponents.
            start: What every power is multiplied by.

        Returns:
            base^(d 256^k) by byte k, limb and value d of a byte; the last window times `start`.
        """
        modulus = self._modulus()
        squares = [base]
        while len(squares) < 8 * windows:
            squares.append(squares[-1] ** 2 % modulus)
        steps = self._rows(squares).reshape(windows, 8, self.words)
        entries = np.empty((windows, ENTRIES, self.words), np.uint64)
        entries[:, 0] = self.ones(windows)
        entries[-1, 0] = self._rows([start])
        for bit in range(8):
            done = 1 << bit
            step = np.repeat(steps[:, bit], done, axis=0)
            lower = np.ascontiguousarray(entries[:, :done]).reshape(-1, self.words)
            entries[:, done : 2 * done] = self.times(lower, step).reshape(windows, done, -1)
        return np.ascontiguousarray(entries.transpose(0, 2, 1)[:, : self.limbs])

    def powers(self, table: Rows, digits: Digits) -> Rows:
        """Returns products of the entries of windows of a table. The time tells nothing of digits.

        Args:
            table: Windows, as of `table`.
            digits: The entry of each window, shape (count, windows).

        Returns:
            `count` rows.

        Raises:
            ValueError: Digits and windows do not fit.
        """
        count, windows = digits.shape
        if table.shape != (windows, self.limbs, ENTRIES) or not windows:
            raise ValueError(f"a table of shape {table.shape} is none for {windows} digits")
        out = self._empty(count)

        def work(part: slice) -> None:
            self._code.powers(
                self._constants, out[part], table, digits[part], len(out[part]), windows
            )

        _in_parts(work, count, windows)
        return out

    def power(self, rows: Rows, exponent: Digits) -> Rows:
        """Returns a power of each row. The time tells nothing of the exponent.

        Args:
            rows: The bases.
            exponent: Hexadecimal digits, the highest first.

        Returns:
            As many rows.

        Raises:
            ValueError: A digit is 16 or more.
        """
        self._check(rows)
        if exponent.ndim != 1 or (exponent >= 16).any():  # noqa: PLR2004 - hexadecimal
            raise ValueError("an exponent has hexadecimal digits")
        out = rows.copy()

        def work(part: slice) -> None:
            self._code.power(self._constants, out[part], exponent, len(out[part]), len(exponent))

        _in_parts(work, len(out), 5 * len(exponent))
        return out

    def _products(self, rows: Rows, index: NDArray[np.int32], bounds: Integers) -> Rows:
        """Returns the products of lists that are not empty; long ones are cut first."""
        most = max(32, len(index) // _LISTS)
        pieces: Integers = -(-np.diff(bounds) // most)
        if (pieces == 1).all():
            return self._lists(rows, index, bounds)
        ends: Integers = np.cumsum(pieces)
        before: Integers = np.repeat(ends - pieces, pieces)
        starts: Integers = np.repeat(bounds[:-1], pieces)
        piece = np.arange(len(before)) - before
        cuts = np.append(starts + most * piece, bounds[-1])
        parts = self._lists(rows, index, cuts)
        return self._lists(parts, np.arange(len(parts), dtype=np.int32), np.append(0, ends))

    def _lists(self, rows: Rows, index: NDArray[np.int32], bounds: Integers) -> Rows:
        out = self._empty(len(bounds) - 1)
        starts = np.ascontiguousarray(bounds, np.int64)
        longest_first = np.argsort(-np.diff(starts), kind="stable").astype(np.int32)
        shares = min(_CORES, -(-len(index) // _BLOCK))

        def work(share: int) -> None:
            lists = np.ascontiguousarray(longest_first[share::shares])
            self._code.sums(self._constants, out, rows, index, starts, lists, len(lists))

        spread(work, range(shares), 1)
        return out

    def _rows(self, numbers: Sequence[int]) -> Rows:
        plain = b"".join(number.to_bytes(self.width, "big") for number in numbers)
        return self.enter(plain, self.width)

    def _modulus(self) -> int:
        limbs: list[int] = self._constants[: self.limbs].tolist()
        return sum(limb << (_LIMB_BITS * at) for at, limb in enumerate(limbs))

    def _split(self, numbers: Sequence[int]) -> list[int]:
        mask = (1 << _LIMB_BITS) - 1
        places = range(0, _LIMB_BITS * self.limbs, _LIMB_BITS)
        return [number >> place & mask for number in numbers for place in places]

    def _empty(self, count: int) -> Rows:
        """Returns uninitialised rows, which start on a line of the cache."""
        memory = np.empty(count * self.words + 7, np.uint64)
        first = -memory.ctypes.data % 64 // 8
        return memory[first : first + count * self.words].reshape(count, self.words)

    def _check(self, *arrays: Rows) -> None:
        for rows in arrays:
            shaped = rows.ndim == 2 and rows.shape[1] == self.words  # noqa: PLR2004 - rows, words
            if not shaped or rows.dtype != np.uint64 or not rows.flags.c_contiguous:
                raise ValueError(
                    f"an array of shape {rows.shape} has no rows of {self.words} words"
                )


def most_bits(limbs: int) -> int:
    """Returns the bits of the longest modulus that numbers of so many limbs have room for."""
    return _LIMB_BITS * limbs - _SLACK_BITS


def _in_parts(work: Callable[[slice], None], count: int, products: int) -> None:
    """Let threads work on slices of `count` rows that take so many products each."""
    threads = min(_CORES, -(-count * products // _BLOCK))
    if not threads:
        return
    size = -(-count // threads)
    size += -size % 16  # lanes of a call are full
    spread(work, [slice(start, start + size) for start in range(0, count, size)], 1)
