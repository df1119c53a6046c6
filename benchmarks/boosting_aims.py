"""What a boosted tree of ours shall take, and where it takes more."""

import math
from collections.abc import Mapping, Sequence

from benchmarks.boosting_rivals import SGB
from benchmarks.contest import Compared
from benchmarks.measurement import Row

AIM_SGB = {"all": 2.5, "goss": 8.0}
"""Times as fast as SGB with every row, by our own sampling."""

AIM_SHARE = 0.5
"""Of SGB's ratio to XGBoost, at most."""

AIM_FLOOR = 1.5
"""Times what the operations take alone, at most."""

TO_FLOOR = "s / floor on all cores"
"""The column that tells."""

AIM_TREES = 20

AIM_SECONDS = {(3, "all"): 30.0, (3, "goss"): 10.0}
"""Of so many trees on real rows, at most, by depth and sampling."""

AIM_LARGE_SECONDS = {(5, "all"): 360.0, (5, "goss"): 120.0}
"""Of so many on large rows, likewise."""


def missed(
    beside: Sequence[Compared],
    joined: Sequence[Compared],
    large: Sequence[Compared],
    floor: Sequence[Row],
) -> list[str]:
    """Aims that were missed; without a rival there is nothing to miss.

    Args:
        beside: Real rows, beside SGB.
        joined: Made-up rows, beside SGB and XGBoost.
        large: Many made-up rows.
        floor: Rows of the table of that name.

    Returns:
        A sentence for each.
    """
    return [
        *_too_slow(beside),
        *_too_long(beside, AIM_SECONDS),
        *_too_long(large, AIM_LARGE_SECONDS),
        *_too_far_from_xgboost(joined),
        *_too_far_from_the_floor(floor),
    ]


def _too_slow(beside: Sequence[Compared]) -> list[str]:
    """Against SGB with every row, whatever our own sampling."""
    every_row = {
        compared.boosting.depth: compared.paces[SGB].wall
        for compared in beside
        if compared.boosting.sampling == "all" and SGB in compared.paces
    }
    missed = list[str]()
    for compared in beside:
        job = compared.boosting
        ratio = every_row.get(job.depth, math.inf) / compared.ours.wall
        if ratio < AIM_SGB[job.sampling]:
            missed.append(
                f"{compared.title}: {ratio:.2g} times as fast as SGB with every row; the aim is "
                f"{AIM_SGB[job.sampling]:g}."
            )
    return missed


def _too_long(trained: Sequence[Compared], aims: Mapping[tuple[int, str], float]) -> list[str]:
    missed = list[str]()
    for compared in trained:
        job = compared.boosting
        seconds, aim = AIM_TREES * compared.ours.wall, aims.get((job.depth, job.sampling), math.inf)
        if seconds > aim:
            missed.append(
                f"{compared.title}: {seconds:.0f} s for {AIM_TREES} trees at this pace; the aim is "
                f"{aim:g}."
            )
    return missed


def _too_far_from_xgboost(joined: Sequence[Compared]) -> list[str]:
    """Both ratios have the same divisor, so ours to SGB's is that of the times themselves."""
    return [
        f"{compared.title}: {share:.2g} of SGB's ratio to XGBoost; the aim is {AIM_SHARE:g}."
        for compared in joined
        if SGB in compared.paces
        and (share := compared.ours.wall / compared.paces[SGB].wall) > AIM_SHARE
    ]


def _too_far_from_the_floor(rows: Sequence[Row]) -> list[str]:
    return [
        f"{row['trees']}: {row[TO_FLOOR]:.2g} times the floor; the aim is {AIM_FLOOR:g}."
        for row in rows
        if float(row[TO_FLOOR]) > AIM_FLOOR
    ]
