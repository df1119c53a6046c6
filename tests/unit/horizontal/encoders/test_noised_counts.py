"""Counts of words under noise: as much as epsilon asks for, and what an attack makes of it."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from isthmus.horizontal.encoders import cells, noised_counts
from isthmus.horizontal.encoders.spec import CountNoise
from isthmus.horizontal.privacy import accounting
from isthmus.horizontal.privacy.secure_sum.masking import Words

WORDS = 20
ASKED = CountNoise(epsilon=1.0, delta=1e-6, documents=1)
SEED = 3


@pytest.fixture(autouse=True)
def few_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "WIDTH", 2**10)
    monkeypatch.setattr(cells, "SIZE", cells.ROWS * 2**10)


class TestNoise:
    def test_keeps_cells_and_words_together_within_epsilon(self) -> None:
        noise = noised_counts.multiplier(ASKED)
        spent = accounting.spend(accounting.NOTHING_SPENT, noise, 1.0, 2)
        assert 0.99 < accounting.epsilon(spent, ASKED.delta / 2) <= 1.0

    def test_is_as_large_as_what_one_person_can_change(self) -> None:
        noise = noised_counts.multiplier(ASKED)
        of_three = CountNoise(epsilon=1.0, delta=1e-6, documents=3)
        assert noised_counts.cell_deviation(ASKED, WORDS) == pytest.approx(noise * math.sqrt(60))
        assert noised_counts.word_deviation(of_three, WORDS) == pytest.approx(
            3 * noise * math.sqrt(WORDS)
        )

    def test_of_cells_has_its_deviation_around_the_counts(self) -> None:
        found = noised_counts.noised_cells([["a"]] * 1000, SEED, WORDS, ASKED).view(np.int32)
        places = cells.places(["a"], SEED)[0]
        due = noised_counts.cell_deviation(ASKED, WORDS)
        assert np.abs(found[places] - 1000).max() < 6 * due
        others = np.delete(found, places)
        assert np.std(others) == pytest.approx(due, rel=0.08)
        assert abs(others.mean()) < 6 * due / math.sqrt(others.size)

    def test_counts_a_document_once_in_a_cell_and_its_first_words_only(self) -> None:
        none = CountNoise(epsilon=1000.0, delta=0.09, documents=1)
        words = [f"word{number}" for number in range(400)]
        found = noised_counts.noised_cells([words] * 100, SEED, 300, none).view(np.int32)
        due = np.zeros(cells.SIZE)
        due[np.unique(cells.places(words[:300], SEED))] = 100
        assert np.abs(found - due).max() < 50


class TestNamed:
    def test_are_words_of_many_documents(self) -> None:
        least = noised_counts.threshold(ASKED, WORDS)
        counts = {"common": round(2 * least + 100)}
        found = noised_counts.noised_words(counts, WORDS, 5, ASKED)
        assert found["common"] == pytest.approx(counts["common"], abs=0.5 * least + 100)

    def test_are_none_that_one_person_alone_has(self) -> None:
        alone = {f"secret{number}": ASKED.documents for number in range(20_000)}
        assert not noised_counts.noised_words(alone, WORDS, 1, ASKED)


class TestMembership:
    """Whether a document is among those of a sum, by one who knows all others and its words."""

    PLANTED = [f"planted{number}" for number in range(WORDS)]
    OTHERS = [[f"word{number}", f"word{number + 1}"] for number in range(30)]

    def guessed(self, counted: Callable[[list[list[str]]], Words], times: int) -> float:
        """The share of right guesses, half of them with the document."""
        known = np.zeros(cells.SIZE, np.int64)
        for words in self.OTHERS:
            known[np.unique(cells.places(words, SEED))] += 1
        planted = np.unique(cells.places(self.PLANTED, SEED))
        right = 0
        for time in range(times):
            has = time % 2 == 1
            total = counted([*self.OTHERS, self.PLANTED] if has else self.OTHERS)
            surplus = (total.view(np.int32) - known)[planted].mean()
            right += (surplus > 0.5) == has  # the best guess there is
        return right / times

    def test_is_plain_from_the_cells_themselves(self) -> None:
        def plain(documents: list[list[str]]) -> Words:
            return cells.counted(cells.document_counts(documents, WORDS), SEED)

        assert self.guessed(plain, 10) == 1.0

    def test_is_hidden_by_noise_nearly_all_of_the_time(self) -> None:
        def noised(documents: list[list[str]]) -> Words:
            return noised_counts.noised_cells(documents, SEED, WORDS, ASKED)

        assert self.guessed(noised, 400) < 0.65
