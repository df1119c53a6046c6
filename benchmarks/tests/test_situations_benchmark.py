"""The page of situations says what is said now."""

import pytest

from benchmarks import bench_situations, measurement, situations

EVERY = [each for found in situations.SITUATIONS.values() for each in found]


@pytest.mark.parametrize("situation", EVERY, ids=lambda situation: situation.name)
def test_is_on_the_page_with_what_is_said(situation: situations.Situation) -> None:
    told = bench_situations.cell(situations.say(situation))
    page = (measurement.RESULTS / "situations.md").read_text()
    assert f"| {situation.name} | {told} |" in page


@pytest.mark.parametrize("situation", EVERY, ids=lambda situation: situation.name)
def test_is_told_without_the_cell(situation: situations.Situation) -> None:
    told = situations.say(situation)
    assert not any(cell in told for cell in ("29.5", "10000059", "Bern", "1.00001E+07"))
