"""What the encryption of a tree takes by itself: how far we are from it, and what HEU takes."""

import os
from collections.abc import Mapping, Sequence

from benchmarks import boosting_aims, operations
from benchmarks.contest import Compared
from benchmarks.heu import Asked, TimeHeu
from benchmarks.measurement import Row
from benchmarks.operations import RANDOMNESS, Operations
from isthmus.core.errors import SpecError
from isthmus.crypto import keys
from isthmus.crypto.encryption import Encryption

BY_HEU = "HEU"

Rates = Mapping[str, Operations]
"""Operations in a CPU second, by who computes; the first is what our jobs use here."""


def rates(
    encryption: Encryption, count: int, columns: int, bins: int, time_heu: TimeHeu
) -> tuple[Rates, list[str]]:
    """Time every engine of ours that runs on this machine, and HEU.

    Args:
        encryption: How the jobs encrypt.
        count: How many values are encrypted.
        columns: Columns that they are added up by.
        bins: Bins of a column.
        time_heu: Starts HEU, or raises SpecError.

    Returns:
        The rates, our fastest engine first; and why HEU is not among them.
    """
    scheme = encryption.scheme
    engines = dict.fromkeys((keys.running(scheme, "auto"), keys.running(scheme, "gmpy2")))
    found: dict[str, Operations] = {
        engine: operations.rates(encryption, count, columns, bins, engine) for engine in engines
    }
    asked = Asked(
        keys=[(scheme, encryption.key_bits)],
        rows=count,
        columns=columns,
        buckets=bins,
        tries=1,
        value_bits=operations.VALUE_BITS,
        shift=operations.SHIFT,
        seed=RANDOMNESS.seed,
    )
    try:
        (speed,) = time_heu(asked)
    except SpecError as error:
        return found, [f"{BY_HEU} was not measured: {error}"]
    return {**found, BY_HEU: Operations(*speed.rates)}, []


def floor(trained: Sequence[Compared], speeds: Operations) -> list[Row]:
    """What the operations of a tree take at these rates, and how far we are from it."""
    return [_distance(compared, speeds) for compared in trained]


def by_each(trained: Sequence[Compared], rates: Rates) -> list[Row]:
    """What the operations of the same trees take by each, with nothing beside them."""
    return [
        row
        for compared in trained
        for row in _alone(
            compared, operations.per_tree(compared.workload, compared.boosting), rates
        )
    ]


def _alone(compared: Compared, needed: Operations, rates: Rates) -> list[Row]:
    theirs = rates.get(BY_HEU)
    return [
        {
            "trees": compared.title,
            "by": name,
            "CPU s they take": (seconds := needed.seconds(speeds)),
            f"CPU s / {BY_HEU}": seconds / needed.seconds(theirs) if theirs else "not measured",
        }
        for name, speeds in rates.items()
    ]


def _distance(compared: Compared, speeds: Operations) -> Row:
    needed, ours = operations.per_tree(compared.workload, compared.boosting), compared.ours
    least = needed.seconds(speeds)
    return {
        "trees": compared.title,
        "encryptions": round(needed.encryptions),
        "additions": round(needed.additions),
        "decryptions": round(needed.decryptions),
        "CPU s they take": least,
        "CPU s a tree": ours.cpu,
        boosting_aims.REST: ours.cpu - least,
        "CPU s / floor": ours.cpu / least,
        "s a tree": ours.wall,
        boosting_aims.TO_FLOOR: ours.wall / (least / (os.cpu_count() or 1)),
    }
