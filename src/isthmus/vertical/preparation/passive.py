"""The passive party's role: it has columns but no labels."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from isthmus.core.arrays import Integers
from isthmus.core.errors import PeerError, SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.encryption import Engine
from isthmus.transport.channel import Channel
from isthmus.vertical.checks import check_first_row, checked
from isthmus.vertical.preparation import between, labels, own
from isthmus.vertical.preparation.columns import Prepared
from isthmus.vertical.preparation.evidence import Grouped
from isthmus.vertical.preparation.messages import (
    ColumnCounts,
    EncryptedLabels,
    MaskedLabelSums,
    OpenedLabelSums,
    OwnMoments,
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
    every_most: Mapping[str, int] | None = None,
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
        every_most: Most columns of every party, ours too, if all are told how many each trains.
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
        declared = labels.declared(len(ours.train), most * spec.slots)
        with checked(active, PreparesAnew):
            sums = labels.MaskedSums(labels.scheme(spec, engine), start.key, bins, declared)
        return _events(active, sums, declared.rows, spec)

    _check_most(len(ours.train.names) if spec.woe is not None else 0, most)
    found = own.candidates(ours, spec, events)
    telemetry.progress("preparation", len(found.columns), note="columns prepared")

    # 3. Leave out columns, after a comparison with the active party's, and say how many are left.
    select = spec.select
    if select is not None and select.active_columns is not None:
        _check_most(len(found.columns), most)
        columns = own.quantised(ours, found.columns, most)
        theirs, products = between.take(active, columns, select, spec.block_rows, engine)
        products = products[: len(found.columns)]
        with checked(active, OwnMoments):
            prepared = own.compared_with(ours, found, select, theirs, products)
    else:
        prepared = own.compared(ours, found, select)
    _check_most(len(prepared.columns), most)
    active.send(PreparedColumns(columns=len(prepared.columns)))
    if every_most is None:
        return prepared

    # 4. Where all parties train on shares, each knows how many columns every party trains.
    return replace(prepared, counts=_counts(active, every_most))


def _events(
    active: Channel, sums: labels.MaskedSums, rows: int, spec: Preparation
) -> list[Integers]:
    """Add up encrypted labels by bin.

    Args:
        active: The channel to the active party.
        sums: Sums over our bins, of no row so far.
        rows: Training rows.
        spec: The `[preparation]` table.

    Returns:
        Rows of label 1 in each bin, by column.

    Raises:
        PeerError: The active party broke the protocol.
    """
    for first in range(0, rows, spec.block_rows):
        message = active.receive(EncryptedLabels)
        with checked(active, EncryptedLabels):
            check_first_row(message.first_row, first)
            stop = min(first + spec.block_rows, rows)
            sums.add(first, stop, message.ciphertexts, spec.slots)
    active.send(MaskedLabelSums(ciphertexts=sums.masked()))
    opened = active.receive(OpenedLabelSums)
    with checked(active, OpenedLabelSums):
        return sums.opened(opened.sums, spec.slots)


def _counts(active: Channel, most: Mapping[str, int]) -> dict[str, int]:
    counts = active.receive(ColumnCounts).columns
    if counts.keys() != most.keys() or any(counts[name] > most[name] for name in most):
        raise PeerError(
            f"{active.peer!r} says that other parties train, or more columns, than the job lets: "
            "compare `isthmus version` on both sides."
        )
    return counts


def _check_most(columns: int, most: int) -> None:
    if columns > most:
        raise SpecError(
            f"the passive party has {columns:,} columns once they are prepared, and the job says "
            f"`regression.passive_columns = {most:,}`: choose fewer `columns` in the party file, "
            "leave more out by [preparation.select], or agree on another number."
        )
