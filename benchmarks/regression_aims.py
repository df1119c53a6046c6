"""What a joint regression of ours shall take, and where it takes more."""

import math
from collections.abc import Sequence

from benchmarks.measurement import Row
from benchmarks.regression_accuracy import AUC
from benchmarks.regression_rivals import SSLR
from benchmarks.regression_tables import CLEAR, COLUMNS, CPU, ENCRYPTED, OU, SHARED, Beside

AIM_CLEAR = 3.0
"""Times the seconds of the same training in the clear, at most."""

AIM_OU = 30.0
"""Times less CPU than Okamoto-Uchiyama."""

AIM_SHARED_CPU = 2.0
"""CPU seconds of a whole training."""

AIM_ROUND_CPU = {100_000: 0.5, 1_000_000: 5.0}
"""CPU seconds of a round over so many rows of 30+30 columns, at most."""

AIM_LINEAR = 1.25
"""Of the CPU seconds per cell of fewer rows, at most."""

AIM_AUC = 0.001


def missed(
    beside: Sequence[Beside], more_rows: Sequence[Row], accuracy: Sequence[Row]
) -> list[str]:
    """Aims that were missed; without a rival there is nothing to miss.

    Args:
        beside: Trainings on the same rows.
        more_rows: Rows of the table of that name, fewest rows first.
        accuracy: Likewise.

    Returns:
        A sentence for each.
    """
    return [
        *(text for each in beside for text in _too_slow(each)),
        *_too_much(more_rows),
        *_too_inexact(accuracy),
    ]


def _too_slow(beside: Beside) -> list[str]:
    fits, found = beside.fits, list[str]()
    ours, clear = fits[ENCRYPTED], fits[CLEAR]
    if (ratio := ours.fit.wall / clear.fit.wall) > AIM_CLEAR:
        found.append(
            f"{beside.name}: `encrypted` takes {ratio:.2g} times the seconds of the same training "
            f"in the clear; the aim is {AIM_CLEAR:g}."
        )
    for name, other in fits.items():
        if name.startswith(OU) and (ratio := other.fit.cpu / ours.fit.cpu) < AIM_OU:
            found.append(
                f"{beside.name}: `encrypted` takes {ratio:.2g} times less CPU under BFV than under "
                f"{name.partition(', ')[2]}; the aim is {AIM_OU:g}."
            )
    shared, rival = fits.get(SHARED), fits.get(SSLR)
    if shared and shared.fit.cpu > AIM_SHARED_CPU:
        found.append(
            f"{beside.name}: `shared` takes {shared.fit.cpu:.2g} CPU s; the aim is "
            f"{AIM_SHARED_CPU:g}."
        )
    if shared and rival and shared.fit.wall > rival.fit.wall:
        found.append(
            f"{beside.name}: `shared` takes {shared.fit.wall:.2g} s, SS-LR {rival.fit.wall:.2g} s "
            "with its dealer; the aim is to be faster."
        )
    return found


def _too_much(more_rows: Sequence[Row]) -> list[str]:
    found, first = list[str](), 0.0
    for row in more_rows:
        rows, cpu = int(row["rows"]), float(row[CPU])
        cells = rows * sum(map(int, str(row[COLUMNS]).split("+")))
        first = first or cpu / cells
        if cpu > (aim := AIM_ROUND_CPU.get(rows, math.inf)):
            found.append(f"{rows:,} made-up rows: {cpu:.2g} CPU s a round; the aim is {aim:g}.")
        if (ratio := cpu / cells / first) > AIM_LINEAR:
            found.append(
                f"{rows:,} made-up rows take {ratio:.2g} times the CPU s per cell of fewer; the "
                f"aim is {AIM_LINEAR:g}."
            )
    return found


def _too_inexact(rows: Sequence[Row]) -> list[str]:
    return [
        f"{row['rows']}, `{row['level']}`: AUC differs by {row[AUC]:.2g} from scikit-learn's; the "
        f"aim is {AIM_AUC:g}."
        for row in rows
        if float(row[AUC]) > AIM_AUC
    ]
