"""The column side of products: it learns sums of its columns times the other side's values.

1. Send a seed, where keys need one; receive the public keys.
2. Multiply our columns by the encrypted values, block by block as they arrive, and add up.
3. Send the sums under fresh masks, receive them opened, and take the masks off.
"""

import secrets
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from isthmus.core.arrays import Integers
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.encryption import Engine, RegressionEncryption
from isthmus.crypto.radix import Quantised
from isthmus.transport.channel import Channel
from isthmus.vertical.checks import checked
from isthmus.vertical.regression.products.capacity import CACHE_BYTES
from isthmus.vertical.regression.products.kinds import kind_of
from isthmus.vertical.regression.products.lines import Workers
from isthmus.vertical.regression.products.messages import (
    EncryptedValues,
    MaskedSums,
    OpenedSums,
    ProductKey,
    ProductSeed,
)
from isthmus.vertical.regression.products.parts import equal_parts
from isthmus.vertical.regression.products.scheme import (
    Bounds,
    Columns,
    Declared,
    Modular,
    Part,
    Sums,
)
from isthmus.vertical.regression.products.sharded import ShardedColumns, slices
from isthmus.vertical.regression.products.worker import Setup


class ColumnSide:
    """Takes the sums of our columns times one peer's values."""

    def __init__(  # noqa: PLR0913 - the caller knows all of these, and nobody else does
        self,
        peer: Channel,
        columns: Quantised,
        encryption: RegressionEncryption,
        bounds: Bounds | Modular,
        *,
        outputs: int | None = None,
        block_rows: int = 8192,
        engine: Engine = "auto",
        workers: Workers | None = None,
        telemetry: Telemetry | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        """Declare sizes; nothing is sent yet.

        Args:
            peer: The channel to the value side.
            columns: Our columns of all rows.
            encryption: The `[regression.encryption]` table.
            bounds: Of the values and sums, see `kinds.bounds_of`.
            outputs: Values of a row, such as classes; None: one, and sums have no such axis.
            block_rows: Rows of a block that the job asks for.
            engine: What we ask to compute with.
            workers: Our workers; None: this process computes.
            telemetry: Receives timings.
            cache_bytes: Most bytes of transformed columns that are kept in memory.
        """
        self._peer = peer
        self._columns = columns
        self._encryption = encryption
        self._bounds = bounds
        self._outputs = outputs
        self._engine: Engine = engine
        self._kind = kind_of(encryption, engine, block_rows)
        self._workers = workers
        self._telemetry = telemetry or Telemetry()
        self._cache_bytes = cache_bytes
        self._run_key = b""
        self._prepared_slices = dict[tuple[int, int], _Shards]()
        self._waited = 0.0

    def __call__(self, rows: slice | None = None) -> Integers:
        """Take the sums over some rows.

        Args:
            rows: Which; None: all. Every slice that is asked for is prepared once.

        Returns:
            The exact sums, shape (columns,), or (columns, outputs) if outputs were given.

        Raises:
            PeerError: The peer sent what no honest run sends.
        """
        self.ask(rows)
        self.multiply()
        return self.opened()

    def ask(self, rows: slice | None = None) -> None:
        """Begin a product: send the seeds of its keys, where it has keys of its own.

        Args:
            rows: Which; None: all. Every slice that is asked for is prepared once.
        """
        start, stop, _ = (rows or slice(None)).indices(len(self._columns))
        declared = self._bounds.declared(len(self._columns.steps), stop - start)
        seeds = list[bytes]()
        if self._kind.key_per_product:
            seeds = [secrets.token_bytes(self._kind.seed_bytes) for _ in range(self._outputs or 1)]
            self._peer.send(ProductSeed(seed=b"".join(seeds)))
        self._asked = _Asked(start, stop, declared, seeds)

    def multiply(self, meanwhile: Iterable[None] = ()) -> None:
        """Multiply by the values as they arrive, output by output, and send the masked sums.

        Args:
            meanwhile: Takes a step for each block that has arrived.

        Raises:
            PeerError: The peer sent what no honest run sends.
        """
        asked, steps, masked = self._asked, iter(meanwhile), list[bytes]()
        self._products = self._keys(asked)
        shards = self._prepared(asked)
        for key, sums in self._products:
            with self._kernel(), checked(self._peer, EncryptedValues):
                parts = shards.parts(key, sums, self._arriving(asked, steps))
            with self._telemetry.timed("encryption"):
                masked.append(sums.finish(parts))
        self._peer.send(MaskedSums(ciphertexts=b"".join(masked)))

    def opened(self) -> Integers:
        """Receive the opened sums, and take the masks off.

        Returns:
            The exact sums, shape (columns,), or (columns, outputs) if outputs were given.

        Raises:
            PeerError: The peer sent what no honest run sends.
        """
        products = self._products
        with self._telemetry.timed("transport"):
            opened = self._peer.receive(OpenedSums).sums
        with checked(self._peer, OpenedSums):
            each = zip(products, equal_parts(opened, len(products)), strict=True)
            found = np.array([sums.unmask(part) for (_, sums), part in each], np.int64)
        return found[0] if self._outputs is None else found.T

    def _keys(self, asked: "_Asked") -> list[tuple[bytes, Sums[Any]]]:
        """Returns the public keys, of this product or of the run, and the sums of each output."""
        declared, kind = asked.declared, self._kind
        if not kind.key_per_product:
            if not self._run_key:
                self._run_key = self._peer.receive(ProductKey).key
            with checked(self._peer, ProductKey):
                sums = [kind.sums(declared, self._run_key, b"") for _ in range(self._outputs or 1)]
            return [(self._run_key, each) for each in sums]
        keys = self._peer.receive(ProductKey).key
        with self._telemetry.timed("kernel"), checked(self._peer, ProductKey):
            each = zip(equal_parts(keys, len(asked.seeds)), asked.seeds, strict=True)
            return [(key, kind.sums(declared, key, seed)) for key, seed in each]

    def _prepared(self, asked: "_Asked") -> "_Shards":
        start, stop, declared = asked.start, asked.stop, asked.declared
        if (start, stop) not in self._prepared_slices:
            columns = self._columns[start:stop]
            cache = self._cache_bytes * len(columns) // len(self._columns)
            with self._telemetry.timed("kernel"):
                self._prepared_slices[start, stop] = self._distributed(columns, declared, cache)
        return self._prepared_slices[start, stop]

    def _distributed(self, columns: Quantised, declared: Declared, cache: int) -> "_Shards":
        if self._workers is None:
            return _Here(self._kind.columns(declared, columns, cache))
        setup = Setup(self._encryption, self._engine, self._kind.block_rows, declared)
        return _AtWorkers(ShardedColumns(self._workers, setup, columns, cache))

    def _arriving(self, asked: "_Asked", steps: Iterator[None]) -> Iterator[bytes]:
        for _ in slices(asked.stop - asked.start, self._kind.block_rows):
            start = time.perf_counter()
            block = self._peer.receive(EncryptedValues).ciphertexts
            self._waited += time.perf_counter() - start
            next(steps, None)
            yield block

    @contextmanager
    def _kernel(self) -> Generator[None]:
        """Time the block, and within it the time that blocks take to arrive."""
        self._waited = 0.0
        with self._telemetry.timed("kernel"):
            yield
        self._telemetry.seconds["kernel"] -= self._waited
        self._telemetry.seconds["transport"] += self._waited


@dataclass(frozen=True)
class _Asked:
    """A product that has begun: its rows, and the seeds of its keys."""

    start: int
    stop: int
    declared: Declared
    seeds: list[bytes]


class _Shards(Protocol):
    def parts(self, key: bytes, sums: Sums[Any], blocks: Iterable[bytes]) -> list[Part]: ...


@dataclass
class _Here:
    columns: Columns[Any]

    def parts(self, key: bytes, sums: Sums[Any], blocks: Iterable[bytes]) -> list[Part]:
        del sums
        return [self.columns.multiply(key, blocks)]


@dataclass
class _AtWorkers:
    columns: ShardedColumns

    def parts(self, key: bytes, sums: Sums[Any], blocks: Iterable[bytes]) -> list[Part]:
        return [sums.load(part) for part in self.columns.multiply(key, blocks)]
