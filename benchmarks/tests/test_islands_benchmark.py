"""The benchmark of islands runs, on made-up texts that say nothing, and knows what falls short."""

import numpy as np
import pytest

from benchmarks import bench_islands
from benchmarks.bench_islands import Found, shortfalls
from benchmarks.bibles import BIBLE, NTREX, SETS, TATOEBA, Bibles
from benchmarks.islands_contest import (
    ALONE,
    DICTIONARY,
    EIGHT_BIT,
    FEDAVG,
    LIST,
    LISTED,
    POOLED,
    POOLED_WORDS,
    SHARED,
    WITH_LIST,
    Contest,
    Settings,
)
from benchmarks.islands_traffic import Sent

LETTERS = {"de": "abcdefghij", "en": "klmnopqrst", "es": "uvwxyzabcd"}
SETTINGS = Settings(rounds=1, steps=1, batch=16, pieces=512, size=8)
SENT = Sent(pieces=10, counts=1, masked=1, touched=1, coarse=1, table=10, moved=0.0)


def text(row: int, language: str) -> str:
    """A text of eight words that mean the same in every language."""
    numbers = np.random.default_rng(row).integers(40, size=8)
    return " ".join("".join(LETTERS[language][int(it)] for it in f"{n:03}") for n in numbers)


def texts(begin: int, rows: int, *languages: str) -> dict[str, list[str]]:
    return {it: [text(row, it) for row in range(begin, begin + rows)] for it in languages}


def made_up() -> Bibles:
    return Bibles(
        texts(0, 6200, *LETTERS),
        ["chapter"] * 6200,
        {
            BIBLE: texts(7000, 20, *LETTERS),
            NTREX: texts(8000, 20, *LETTERS),
            f"{TATOEBA}-de": texts(9000, 20, "de", "en"),
            f"{TATOEBA}-es": texts(9100, 20, "es", "en"),
        },
    )


def found(**values: float) -> Found:
    usual = {SHARED: 90.0, POOLED: 92.0, FEDAVG: 80.0}
    return {model: [dict.fromkeys(SETS, value)] for model, value in (usual | values).items()}


class TestShortfalls:
    def test_are_none_where_every_aim_is_met(self) -> None:
        assert shortfalls(found(), 8) == []

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ({POOLED: 99.0}, "0.909 times the pooled encoder"),
            ({FEDAVG: 89.0}, "1.011 times FedAvg, with 8 batches"),
        ],
        ids=["pooled", "fedavg"],
    )
    def test_name_the_aim_that_was_missed(self, values: dict[str, float], said: str) -> None:
        (short,) = shortfalls(found(**values), 8)
        assert said in short


class TestMeasure:
    def test_compares_all_ways_on_made_up_texts(self) -> None:
        def nothing(_contest: Contest, _settings: Settings) -> Sent:
            return SENT

        page = bench_islands.measure((0,), SETTINGS, made_up, nothing)
        rows = {
            str(row["what"]) for table in page.tables.values() for row in table if "what" in row
        }
        assert rows == {
            *(SHARED, EIGHT_BIT, FEDAVG, POOLED, POOLED_WORDS, ALONE, DICTIONARY),
            *(LISTED, WITH_LIST, LIST),
        }
