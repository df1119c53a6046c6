"""The value side of products: it knows an integer of each row, and tells nobody any of them.

1. Receive a seed, where keys need one, and make keys; send the public ones. An additive scheme has
   one key for the whole run.
2. Send the values under encryption: of each output block by block.
3. Receive the masked sums, decrypt them, and send them back, still masked.
"""

from collections.abc import Iterator

import numpy as np

from isthmus.core.arrays import Integers
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.encryption import Engine, RegressionEncryption
from isthmus.transport.channel import Channel
from isthmus.vertical.checks import checked
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
from isthmus.vertical.regression.products.scheme import Bounds, Declared, Modular, Owner
from isthmus.vertical.regression.products.sharded import ShardedKeys, slices
from isthmus.vertical.regression.products.worker import Setup


class ValueSide:
    """Gives one peer the sums of its columns times our values, and learns nothing."""

    def __init__(  # noqa: PLR0913 - the caller knows all of these, and nobody else does
        self,
        peer: Channel,
        encryption: RegressionEncryption,
        bounds: Bounds | Modular,
        columns: int,
        *,
        block_rows: int = 8192,
        engine: Engine = "auto",
        workers: Workers | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        """Declare sizes; nothing is sent yet.

        Args:
            peer: The channel to the column side.
            encryption: The `[regression.encryption]` table.
            bounds: Of the values and sums, see `kinds.bounds_of`.
            columns: Columns of the peer.
            block_rows: Rows of a block that the job asks for.
            engine: What we ask to compute with.
            workers: Our workers; None: this process computes.
            telemetry: Receives timings.
        """
        self._peer = peer
        self._encryption = encryption
        self._bounds = bounds
        self._columns = columns
        self._engine: Engine = engine
        self._kind = kind_of(encryption, engine, block_rows)
        self._workers = workers
        self._telemetry = telemetry or Telemetry()
        self._run_owner: Owner | None = None
        self._owners = list[Owner]()

    def __call__(self, values: Integers) -> None:
        """Give the peer the sums of its columns times these values.

        Args:
            values: Shape (rows,) or (rows, outputs).

        Raises:
            PeerError: The peer sent what no honest run sends.
        """
        self.send(values)
        self.answer()

    def send(self, values: Integers) -> None:
        """Send the values under encryption: the first half of a product.

        Args:
            values: Shape (rows,) or (rows, outputs), within the bounds.

        Raises:
            PeerError: The peer sent a seed that no honest run sends.
        """
        for _ in self.sending(values):
            pass

    def sending(self, values: Integers) -> Iterator[None]:
        """Send the values under encryption, a block for each step of the iterator.

        Args:
            values: Shape (rows,) or (rows, outputs), within the bounds.

        Yields:
            None, after each block.

        Raises:
            PeerError: The peer sent a seed that no honest run sends.
        """
        outputs = values.reshape(len(values), -1).T
        declared = self._bounds.declared(self._columns, len(values))
        self._owners = self._keys(declared, len(outputs))
        for owner, each in zip(self._owners, outputs, strict=True):
            blocks = self._encrypted(owner, declared, np.ascontiguousarray(each))
            while True:
                with self._telemetry.timed("encryption"):
                    block = next(blocks, None)
                if block is None:
                    break
                self._peer.send(EncryptedValues(ciphertexts=block))
                yield

    def answer(self) -> None:
        """Open the masked sums for the peer: the second half of a product.

        Raises:
            PeerError: The peer sent sums that no honest run sends.
        """
        with self._telemetry.timed("transport"):
            masked = self._peer.receive(MaskedSums).ciphertexts
        with self._telemetry.timed("decryption"), checked(self._peer, MaskedSums):
            parts = equal_parts(masked, len(self._owners))
            opened = [owner.open(part) for owner, part in zip(self._owners, parts, strict=True)]
        self._peer.send(OpenedSums(sums=b"".join(opened)))

    def _keys(self, declared: Declared, outputs: int) -> list[Owner]:
        if self._run_owner is not None:
            return [self._run_owner] * outputs
        if self._kind.key_per_product:
            seeds = self._peer.receive(ProductSeed).seed
            with self._telemetry.timed("encryption"), checked(self._peer, ProductSeed):
                each = equal_parts(seeds, outputs)
                owners = [self._kind.owner(declared, seed) for seed in each]
            self._peer.send(ProductKey(key=b"".join([owner.public() for owner in owners])))
            return owners
        with self._telemetry.timed("encryption"):
            self._run_owner = self._kind.owner(declared, b"")
        self._peer.send(ProductKey(key=self._run_owner.public()))
        return [self._run_owner] * outputs

    def _encrypted(self, owner: Owner, declared: Declared, values: Integers) -> Iterator[bytes]:
        if self._workers is None:
            for block in slices(len(values), self._kind.block_rows):
                yield owner.encrypt(values[block])
            return
        setup = Setup(self._encryption, self._engine, self._kind.block_rows, declared)
        keys = ShardedKeys(self._workers, setup, owner.stored())
        yield from keys.encrypted(values)
        keys.forget()
