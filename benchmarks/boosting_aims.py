"""What a boosted tree of ours shall take, and whether it does."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.boosting_rivals import SGB
from benchmarks.contest import Compared
from benchmarks.measurement import Row

AIM_CPU = {3: 0.45, 5: 0.6}
"""CPU seconds of a tree on all real rows, at most, by depth."""

AIM_SGB = {(3, "all"): 5.0, (5, "all"): 10.0, (3, "goss"): 8.0, (5, "goss"): 8.0}
"""Times as fast as SGB with every row, by depth and our own sampling."""

AIM_SHARE = 0.2
"""Of SGB's ratio to XGBoost, at most."""

AIM_STRONG = 1.0
"""Of the time of SGB with 2,048 bits, which ours takes with 3,072."""

AIM_FLOOR = 1.3
"""Times what the operations take alone, at most."""

AIM_REST = 0.1
"""CPU seconds of a tree on all real rows beside its operations, at most."""

TO_FLOOR = "s / floor on all cores"
"""The column of the table of the floor with the distance."""

REST = "CPU s of the rest"
"""The column of that table with what is left of a tree without its operations."""


REACHED = ": reached."
"""The end of a sentence about an aim that was reached."""


@dataclass(frozen=True)
class Verdict:
    """An aim, and whether it was reached."""

    text: str
    reached: bool

    def __str__(self) -> str:
        return self.text + (REACHED if self.reached else ": missed.")


def judged(
    beside: Sequence[Compared],
    strong: Sequence[Compared],
    made_up: Sequence[Compared],
    floor: Sequence[Row],
) -> list[str]:
    """Compare with all aims; without a rival there is nothing to reach or to miss.

    Args:
        beside: Real rows, beside SGB.
        strong: Real rows under the longer key, beside SGB under the shorter one.
        made_up: Made-up rows, beside SGB and XGBoost.
        floor: Rows of the table of that name.

    Returns:
        A sentence for each, the missed ones first.
    """
    every_row = [compared for compared in beside if compared.boosting.sampling == "all"]
    real = {compared.title for compared in every_row}
    verdicts = [
        *_of_cpu(every_row),
        *_of_the_rest(row for row in floor if row["trees"] in real),
        *_beside_sgb(beside),
        *_beside_xgboost([*beside, *made_up]),
        *_under_long_keys(strong),
        *_over_the_floor(floor),
    ]
    return [str(verdict) for verdict in sorted(verdicts, key=lambda verdict: verdict.reached)]


def _at_most(what: str, found: float, aim: float, unit: str) -> Verdict:
    return Verdict(
        f"{what}: {found:.3g} {unit}; the aim is at most {aim:g}", round(found, 4) <= aim
    )


def _of_cpu(every_row: Sequence[Compared]) -> Iterator[Verdict]:
    for compared in every_row:
        if (aim := AIM_CPU.get(compared.boosting.depth)) is not None:
            yield _at_most(compared.title, compared.ours.cpu, aim, "CPU s a tree")


def _of_the_rest(rows: Iterable[Row]) -> Iterator[Verdict]:
    for row in rows:
        what = "CPU s a tree beside its operations"
        yield _at_most(str(row["trees"]), float(row[REST]), AIM_REST, what)


def _beside_sgb(beside: Sequence[Compared]) -> Iterator[Verdict]:
    """Against SGB with every row, whatever our own sampling."""
    every_row = {
        compared.boosting.depth: compared.paces[SGB].wall
        for compared in beside
        if compared.boosting.sampling == "all" and SGB in compared.paces
    }
    for compared in beside:
        job = compared.boosting
        aim = AIM_SGB.get((job.depth, job.sampling))
        if aim is not None and job.depth in every_row:
            ratio = every_row[job.depth] / compared.ours.wall
            yield Verdict(
                f"{compared.title}: {ratio:.3g} times as fast as SGB with every row; the aim is at "
                f"least {aim:g}",
                ratio >= aim,
            )


def _beside_xgboost(joined: Sequence[Compared]) -> Iterator[Verdict]:
    """Both ratios have the same divisor, so ours to SGB's is that of the times themselves."""
    for compared in joined:
        if SGB in compared.paces:
            share = compared.ours.wall / compared.paces[SGB].wall
            yield _at_most(compared.title, share, AIM_SHARE, "of SGB's ratio to XGBoost")


def _under_long_keys(strong: Sequence[Compared]) -> Iterator[Verdict]:
    for compared in strong:
        theirs = next((pace for by, pace in compared.paces.items() if by.startswith(SGB)), None)
        if theirs is not None:
            share, bits = compared.ours.wall / theirs.wall, compared.boosting.encryption.key_bits
            what = f"{compared.title}, {bits:,} bits"
            yield _at_most(what, share, AIM_STRONG, "of the time of SGB with 2,048 bits")


def _over_the_floor(rows: Sequence[Row]) -> Iterator[Verdict]:
    for row in rows:
        yield _at_most(str(row["trees"]), float(row[TO_FLOOR]), AIM_FLOOR, "times the floor")
