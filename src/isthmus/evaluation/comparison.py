"""What a run in rounds is measured beside: other ways to train on the same samples."""

from collections import defaultdict
from collections.abc import Mapping

import msgspec

WAYS = {
    "": "the network",
    "shared": "with the shared encoder",
    "alone": "with one trained alone",
    "pooled": "with one trained on all samples pooled",
}
"""What people call a way of training, by what comes after the name of a measure."""

MEANINGS = {
    "fedavg": "weights by sample count",
    "oracle": "weights by sample count, without the children that attack in the simulation",
    "root_only": "the master's own samples alone",
}
"""What the names of other ways of training stand for."""


class Comparison(msgspec.Struct, frozen=True):
    """One measure, of several parties or of several ways of training."""

    measure: str
    ways: dict[str, dict[str, float]]  # by way of training, then by party; or by other names


def by_way(metrics: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Measures of one party, by measure, then by way of training."""
    found = defaultdict[str, dict[str, float]](dict)
    for name, value in metrics.items():
        stem, way = _parted(name)
        found[stem][way] = value
    return dict(found)


def compared(metrics: Mapping[str, Mapping[str, float]]) -> list[Comparison]:
    """Measures of a simulation, put together.

    Args:
        metrics: By measure, then by party or by way of training.

    Returns:
        One of each measure, whatever way of training comes after its name.
    """
    found = defaultdict[str, dict[str, dict[str, float]]](dict)
    for name, values in metrics.items():
        stem, way = _parted(name)
        if values:
            found[stem][way] = dict(values)
    return [Comparison(stem, ways) for stem, ways in found.items()]


def _parted(name: str) -> tuple[str, str]:
    stem, _, way = name.rpartition("_")
    return (stem, way) if stem and way in WAYS else (name, "")
