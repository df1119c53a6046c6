"""Forecast of the messages of products: their sizes depend on declared numbers only."""

from collections.abc import Iterator
from dataclasses import dataclass

from isthmus.crypto import keys
from isthmus.crypto.encryption import RegressionEncryption
from isthmus.crypto.lattice import parameters
from isthmus.crypto.lattice.parameters import Sums
from isthmus.crypto.sum_masks import OPENED_BYTES
from isthmus.ledger.forecast import Flow, blocks
from isthmus.vertical.regression.products import messages


@dataclass(frozen=True)
class Products:
    """Products that are all of one size.

    Attributes:
        values: Role of the value side.
        columns: Role of the column side.
        rows: Rows of a sum.
        sums: Columns of the column side.
        times: Number of products.
        outputs: Values of a row.
        modular: Whether values are integers modulo the prime of the slots.
    """

    values: str
    columns: str
    rows: int
    sums: int
    times: int
    outputs: int = 1
    modular: bool = False


def flows(encryption: RegressionEncryption, block_rows: int, of: Products) -> Iterator[Flow]:
    """Forecast the messages of products.

    The key of an additive scheme crosses once in a run: see `key_flow`.

    Args:
        encryption: The `[regression.encryption]` table.
        block_rows: Rows of a block that the job asks for.
        of: The products.

    Yields:
        Their messages.
    """
    if encryption.scheme == "bfv":
        yield from _bfv(block_rows, of)
    else:
        yield from _additive(encryption, block_rows, of)


def key_flow(encryption: RegressionEncryption, values: str) -> Iterator[Flow]:
    """Forecast the key that crosses once in a run; there is none of "bfv".

    Args:
        encryption: The `[regression.encryption]` table.
        values: Role of the value side.

    Yields:
        The message, if there is one.
    """
    if encryption.scheme != "bfv":
        numbers = encryption.of_numbers
        size = keys.public_key_bytes(numbers.scheme, numbers.key_bits)
        yield Flow(values, messages.ProductKey(key=bytes(size)), 1)


def _additive(encryption: RegressionEncryption, block_rows: int, of: Products) -> Iterator[Flow]:
    numbers = encryption.of_numbers
    size = keys.ciphertext_bytes(numbers.scheme, numbers.key_bits)
    for count, rows in blocks(of.rows, block_rows):
        values = messages.EncryptedValues(ciphertexts=bytes(rows * size))
        yield Flow(of.values, values, count * of.times * of.outputs)
    masked = messages.MaskedSums(ciphertexts=bytes(of.sums * of.outputs * size))
    yield Flow(of.columns, masked, of.times)
    opened = messages.OpenedSums(sums=bytes(of.sums * of.outputs * OPENED_BYTES))
    yield Flow(of.values, opened, of.times)


def _bfv(block_rows: int, of: Products) -> Iterator[Flow]:
    degree = parameters.EXACT_RING.degree
    sums = Sums(of.sums, of.rows, None if of.modular else 0)
    seed = messages.ProductSeed(seed=bytes(of.outputs * parameters.SEED_BYTES))
    yield Flow(of.columns, seed, of.times)
    key = messages.ProductKey(key=bytes(of.outputs * sums.public_bytes))
    yield Flow(of.values, key, of.times)
    for count, rows in blocks(of.rows, parameters.polynomials(block_rows) * degree):
        values = messages.EncryptedValues(ciphertexts=bytes(sums.block_bytes(rows)))
        yield Flow(of.values, values, count * of.times * of.outputs)
    masked = messages.MaskedSums(ciphertexts=bytes(of.outputs * sums.masked_bytes))
    yield Flow(of.columns, masked, of.times)
    opened = messages.OpenedSums(sums=bytes(of.outputs * sums.answer_bytes))
    yield Flow(of.values, opened, of.times)
