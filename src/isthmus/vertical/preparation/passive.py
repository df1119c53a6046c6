"""The passive party's role: it has columns but no labels."""

import operator
from collections.abc import Sequence
from functools import reduce

import numpy as np

from isthmus.core.arrays import Integers
from isthmus.core.errors import PeerError, SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.crypto import keys
from isthmus.crypto.bucket_sums import bucket_sums
from isthmus.crypto.encryption import Engine
from isthmus.crypto.scheme import Ciphertexts, PublicKey
from isthmus.transport.channel import Channel
from isthmus.vertical.boosting.checks import check_first_row, checked
from isthmus.vertical.preparation import labels, own
from isthmus.vertical.preparation.columns import Prepared
from isthmus.vertical.preparation.evidence import Grouped
from isthmus.vertical.preparation.messages import (
    EncryptedLabels,
    MaskedLabelSums,
    OpenedLabelSums,
    PreparedColumns,
    Prepares,
    PreparesAnew,
)
from isthmus.vertical.preparation.own import Own
from isthmus.vertical.preparation.spec import Preparation


def passive(  # noqa: PLR0913 - the caller knows all of these, and nobody else does
    active: Channel,
    ours: Own,
    spec: Preparation,
    most: int,
    telemetry: Telemetry,
    *,
    engine: Engine = "auto",
    held: Prepared | None = None,
) -> Prepared:
    """Prepare our columns, with sums of the active party's encrypted labels.

    We learn how many rows of label 1 each of our bins has, and, where columns of both are compared,
    the correlations of our columns with the active party's. It learns how many columns we train.

    Args:
        active: The channel to the active party.
        ours: Our rows.
        spec: The `[preparation]` table.
        most: Most columns that the job lets us have.
        telemetry: Receives progress.
        engine: What we ask to compute our encryption with.
        held: What we had prepared before the run was stopped.

    Returns:
        Our columns.

    Raises:
        SpecError: A column does not fit the steps.
        PeerError: The active party broke the protocol.
    """
    # 1. Go on with what both have prepared before; or else get a key, and begin anew.
    active.send(Prepares(rows=len(ours.train), held=held is not None))
    start = active.receive(PreparesAnew)
    if not start.anew:
        if held is None:
            raise PeerError(
                f"{active.peer!r} goes on with prepared columns, and we have none. Compare "
                "`isthmus version` on both sides."
            )
        return held

    # 2. Weight of evidence of our bins.
    def events(bins: Sequence[Grouped]) -> list[Integers]:
        with checked(active, PreparesAnew):
            cipher = spec.encryption
            key = keys.load_public(cipher.scheme, engine, cipher.key_bits, start.key)
        return _events(active, key, bins, spec, most)

    _check_most(len(ours.train.names) if spec.woe is not None else 0, most)
    found = own.candidates(ours, spec, events)
    telemetry.progress("preparation", len(found.columns), note="columns prepared")

    # 3. Leave out columns, and say how many are left.
    prepared = own.compared(ours, found, spec.select)
    _check_most(len(prepared.columns), most)
    active.send(PreparedColumns(columns=len(prepared.columns)))
    return prepared


def _events(
    active: Channel, key: PublicKey, bins: Sequence[Grouped], spec: Preparation, most: int
) -> list[Integers]:
    """Add up encrypted labels by bin.

    Args:
        active: The channel to the active party.
        key: Its key.
        bins: Of our columns.
        spec: The `[preparation]` table.
        most: Most columns that the job lets us have.

    Returns:
        Rows of label 1 in each bin, by column.

    Raises:
        PeerError: The active party broke the protocol.
    """
    codes, slots = np.column_stack([each.codes for each in bins]), spec.slots
    parts = list[Ciphertexts]()
    for first in range(0, len(codes), spec.block_rows):
        block = codes[first : first + spec.block_rows]
        message = active.receive(EncryptedLabels)
        with checked(active, EncryptedLabels):
            check_first_row(message.first_row, first)
            parts.append(bucket_sums(key.load(message.ciphertexts, len(block)), block, slots))
    within = labels.bounds(len(codes))
    masks = within.masks(most * slots)
    sums = reduce(operator.add, parts)
    active.send(MaskedLabelSums(ciphertexts=labels.masked(key, sums, masks)))
    opened = active.receive(OpenedLabelSums)
    with checked(active, OpenedLabelSums):
        return labels.by_group(within.unmask(opened.sums, masks), bins, slots)


def _check_most(columns: int, most: int) -> None:
    if columns > most:
        raise SpecError(
            f"the passive party has {columns:,} columns once they are prepared, and the job says "
            f"`regression.passive_columns = {most:,}`: choose fewer `columns` in the party file, "
            "leave more out by [preparation.select], or agree on another number."
        )
