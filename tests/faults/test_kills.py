"""A party that is killed and started again: the same model, nothing told anew, nobody left over."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.killing import Place, disturbed, undisturbed
from tests.faults.small_jobs import JOBS
from tests.thoroughness import LONG

DEATHS = {
    **dict.fromkeys(["regression", "boosting"], 4),
    "diffie-hellman alignment": 6,
    **dict.fromkeys(["attested alignment", "encoders", "weighting"], 3),
    **dict.fromkeys(["baseline", "multitask", "multilingual"], 3),
    **dict.fromkeys(["scoring by a regression", "shared regression"], 2),
}
"""How often each party of a job dies in the gate, one time after the other in the same run."""

SHORT = {"diffie-hellman alignment", "baseline"}
"""Jobs of which a party dies right before its end, too: when the result is there, not the seal."""

TOGETHER = 4
"""Trials at a time: most of a trial is waiting for those who are gone."""


def chosen(name: str, moments: int) -> list[Sequence[int]]:
    """Moments of trials: each by itself in the long run, else some drawn ones in a row."""
    if LONG:
        return [[moment] for moment in range(1, moments + 1)]
    # Of what is left after a death a part is done again, so that later ones come earlier.
    most = max(1, moments // (DEATHS[name] + 1))
    drawn = [random.randint(1, most) for _ in range(DEATHS[name])]
    return [drawn, [moments - 1]] if name in SHORT else [drawn]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in JOBS if LONG or name in DEATHS])
def test_ends_as_if_nobody_had_been_killed(name: str, tmp_path: Path) -> None:
    place = Place.make(name, tmp_path / "made")
    expected, moments = undisturbed(place, tmp_path / "whole")
    # All children of a master do the same: the first one stands for them.
    trials = [
        (victim, deaths)
        for victim in place.parties[:2]
        for deaths in chosen(name, len(moments[victim]))
    ]

    def play(number: int) -> str:
        victim, deaths = trials[number]
        found = disturbed(place, tmp_path / str(number), victim, deaths, expected)
        if found.verdict == "same":
            return ""
        return f"{victim} killed at {deaths}: {found.verdict}: {found.why}"

    with ThreadPoolExecutor(TOGETHER) as pool:
        failed = [it for it in pool.map(play, range(len(trials))) if it]
    assert not failed
