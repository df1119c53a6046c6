"""Forecast of the messages of the preparation of columns."""

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from isthmus.crypto import keys
from isthmus.crypto.sum_masks import OPENED_BYTES
from isthmus.ledger.forecast import Flow
from isthmus.vertical.preparation import messages
from isthmus.vertical.preparation.spec import Preparation, Selection
from isthmus.vertical.regression.products import forecast as products


def forecast(
    spec: Preparation, train: int, most: int, columns: int, every: Mapping[str, int] | None = None
) -> Iterator[Flow]:
    """Forecast the messages between the active party and one passive party.

    Args:
        spec: The `[preparation]` table.
        train: Training rows.
        most: Most columns of a passive party.
        columns: Columns that it trains.
        every: Columns that each party trains, by name, if all are told.

    Yields:
        The flows of both roles.
    """
    cipher = spec.encryption
    key = keys.public_key_bytes(cipher.scheme, cipher.key_bits) if spec.woe is not None else 0
    yield Flow("passive", messages.Prepares(rows=train, held=False), 1)
    yield Flow("active", messages.PreparesAnew(anew=True, key=bytes(key)), 1)
    if spec.woe is not None:
        yield from _labels(spec, train, most * spec.slots)
    if spec.select is not None and spec.select.active_columns is not None:
        yield from _comparison(spec, spec.select, spec.select.active_columns, train, most)
    yield Flow("passive", messages.PreparedColumns(columns=columns), 1)
    if every is not None:
        yield Flow("active", messages.ColumnCounts(columns=dict(every)), 1)


def _labels(spec: Preparation, train: int, sums: int) -> Iterator[Flow]:
    size = keys.ciphertext_bytes(spec.encryption.scheme, spec.encryption.key_bits)
    alike = dict[tuple[int, int], list[int]]()
    for first in range(0, train, spec.block_rows):  # a number takes more bytes the larger it is
        block = min(spec.block_rows, train - first)
        alike.setdefault((block, len(msgspec.msgpack.encode(first))), []).append(first)
    for (block, _), firsts in alike.items():
        sample = messages.EncryptedLabels(first_row=firsts[0], ciphertexts=bytes(block * size))
        yield Flow("active", sample, len(firsts))
    yield Flow("passive", messages.MaskedLabelSums(ciphertexts=bytes(sums * size)), 1)
    yield Flow("active", messages.OpenedLabelSums(sums=bytes(sums * OPENED_BYTES)), 1)


def _comparison(
    spec: Preparation, select: Selection, outputs: int, train: int, most: int
) -> Iterator[Flow]:
    nothing = np.zeros(outputs, np.int64)
    moments = messages.OwnMoments(sums=nothing, products=np.diag(nothing))
    yield Flow("active", moments, 1)
    yield from products.key_flow(select.encryption, "active")
    of = products.Products("active", "passive", train, most, times=1, outputs=outputs)
    yield from products.flows(select.encryption, spec.block_rows, of)
