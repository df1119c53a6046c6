"""The active party's role: it has the labels."""

from collections.abc import Mapping

from msgspec.structs import replace

from isthmus.core.arrays import Floats
from isthmus.core.errors import PeerError, SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.encryption import Engine
from isthmus.transport.channel import Channel
from isthmus.vertical.checks import checked
from isthmus.vertical.preparation import between, evidence, labels, own
from isthmus.vertical.preparation.columns import Prepared
from isthmus.vertical.preparation.messages import (
    ColumnCounts,
    EncryptedLabels,
    MaskedLabelSums,
    OpenedLabelSums,
    PreparedColumns,
    Prepares,
    PreparesAnew,
)
from isthmus.vertical.preparation.own import Own
from isthmus.vertical.preparation.spec import Preparation
from isthmus.vertical.regression.products.additive import AdditiveOwner


def active(  # noqa: PLR0913 - the caller knows all of these, and nobody else does
    passives: Mapping[str, Channel],
    ours: Own,
    spec: Preparation,
    most: Mapping[str, int],
    telemetry: Telemetry,
    *,
    engine: Engine = "auto",
    every_most: Mapping[str, int] | None = None,
    held: Prepared | None = None,
) -> Prepared:
    """Prepare our columns, and help the passive parties to prepare theirs.

    Each passive party learns how many rows of label 1 each of its bins has, and, where columns of
    both are compared, the correlations of its columns with ours. We learn how many columns each
    trains.

    Args:
        passives: The channel to each passive party, by name.
        ours: Our rows, with labels.
        spec: The `[preparation]` table.
        most: Most columns of each passive party, by name.
        telemetry: Receives progress.
        engine: What we ask to compute our encryption with.
        every_most: Most columns of every party, ours too, if all are told how many each trains.
        held: What we had prepared before the run was stopped.

    Returns:
        Our columns, and the number of those of each passive party.

    Raises:
        SpecError: A column or the label does not fit the steps.
        PeerError: A passive party broke the protocol.
    """
    # 1. Go on with what all have prepared before; or else begin anew, with a key of this run.
    asked = {name: _rows_alike(line, len(ours.train)) for name, line in passives.items()}
    anew = held is None or not all(each.held for each in asked.values())
    keys = _keys(spec, len(ours.train), most, engine) if anew else {}
    for name, line in passives.items():
        key = keys[name].public() if name in keys else b""
        line.send(PreparesAnew(anew=anew, key=key))
    if held is not None and not anew:
        return held

    # 2. Weight of evidence: of our own bins in the clear, of theirs on encrypted labels.
    label = ours.train.label
    found = own.candidates(ours, spec, lambda bins: evidence.label_sums(bins, own.binary(label)))
    for done, (name, owner) in enumerate(keys.items(), 1):
        _sum_labels(passives[name], owner, own.binary(label), spec)
        telemetry.progress("preparation", done, len(keys), note="labels summed by bin")

    # 3. Leave out columns of ours; let the passive parties compare theirs with the others.
    prepared = own.compared(ours, found, spec.select)
    if spec.select is not None and spec.select.active_columns is not None:
        _check_most(prepared, spec.select.active_columns, "preparation.select")
        integers = own.quantised(ours, prepared.columns).integers()
        for name, line in passives.items():
            between.give(line, integers, spec.select, most[name], spec.block_rows, engine)
            telemetry.progress("preparation", note="columns compared")

    # 4. How many columns does each of them train?
    counts = {name: _columns(line, most[name]) for name, line in passives.items()}
    if every_most is None:
        return replace(prepared, counts=counts)

    # 5. Where all parties train on shares, each knows how many columns every party trains.
    (us,) = every_most.keys() - passives.keys()
    _check_most(prepared, every_most[us], "regression.shared")
    counts = {us: len(prepared.columns), **counts}
    for line in passives.values():
        line.send(ColumnCounts(columns=counts))
    return replace(prepared, counts=counts)


def _rows_alike(line: Channel, rows: int) -> Prepares:
    asked = line.receive(Prepares)
    if asked.rows != rows:
        raise PeerError(
            f"{line.peer!r} prepares the columns of {asked.rows:,} rows, and we have {rows:,}: "
            "the alignment differs. Begin another run with `--again` on both sides."
        )
    return asked


def _keys(
    spec: Preparation, rows: int, most: Mapping[str, int], engine: Engine
) -> dict[str, AdditiveOwner]:
    """Returns a key of this run for each passive party, if labels cross."""
    if spec.woe is None:
        return {}
    scheme = labels.scheme(spec, engine)
    return {
        name: scheme.owner(labels.declared(rows, columns * spec.slots), b"")
        for name, columns in most.items()
    }


def _sum_labels(line: Channel, key: AdditiveOwner, label: Floats, spec: Preparation) -> None:
    """Let a passive party add up labels by bin.

    Args:
        line: The channel to it.
        key: A key of this run, for as many sums as the job lets it have.
        label: Labels of 0 and 1, shape (rows,).
        spec: The `[preparation]` table.

    Raises:
        PeerError: It broke the protocol.
    """
    for first, ciphertexts in labels.encrypted(key, label, spec.block_rows):
        line.send(EncryptedLabels(first_row=first, ciphertexts=ciphertexts))
    message = line.receive(MaskedLabelSums)
    with checked(line, MaskedLabelSums):
        opened = key.open(message.ciphertexts)
    line.send(OpenedLabelSums(sums=opened))


def _columns(line: Channel, most: int) -> int:
    columns = line.receive(PreparedColumns).columns
    if columns > most:
        raise PeerError(
            f"{line.peer!r} says that it trains {columns:,} columns, and the job lets it train "
            f"{most:,}. Compare `isthmus version` on both sides."
        )
    return columns


def _check_most(prepared: Prepared, most: int, table: str) -> None:
    if len(prepared.columns) > most:
        raise SpecError(
            f"the active party has {len(prepared.columns)} columns once they are prepared, and the "
            f"job says `{table}.active_columns = {most}`: agree on more."
        )
