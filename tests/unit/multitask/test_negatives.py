"""Rows that are left out, and what predictions are corrected by."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from isthmus.multitask.feed.sample_arrays import none
from isthmus.multitask.negatives import corrections, is_kept_out, is_trained, weigh
from isthmus.multitask.samples import Samples
from isthmus.multitask.spec import Multitask, Task
from tests.unit.multitask.made_data import buying, spec

ROWS = 100_000
ONE = {"ctr": Task(label="click")}
CHAIN = {"cvr": buying(given="ctr"), **ONE}
TWO = {"ctr": Task(label="click"), "like": Task(label="like")}
FAKE = {"cvr": buying("fake_negative")}


def samples(job: Multitask, labels: Any) -> Samples:
    """Samples with these labels, again and again."""
    many = np.tile(np.array(labels, np.float32), (ROWS // len(labels), 1))
    rows = len(many)
    return replace(
        none(job),
        ids=np.zeros((rows, 1), np.int64),
        numbers=np.zeros((rows, 0), np.float32),
        labels=many,
        weights=np.ones_like(many),
        position=np.arange(rows),
    )


class TestKeptOut:
    def test_is_the_share_that_was_asked_for(self) -> None:
        assert is_kept_out(np.arange(ROWS), 0.2, 7).mean() == pytest.approx(0.2, abs=0.01)

    def test_follows_from_seed_and_row_alone(self) -> None:
        rows = np.arange(ROWS)
        whole = is_kept_out(rows, 0.5, 7)
        assert np.array_equal(is_kept_out(rows[1000:], 0.5, 7), whole[1000:])
        assert np.mean(whole == is_kept_out(rows, 0.5, 8)) == pytest.approx(0.5, abs=0.01)


class TestTrained:
    def test_all_positives_are_and_a_share_of_the_negatives(self) -> None:
        labels = [[1, math.nan], [0, 0], [0, 1], [0, math.nan]]
        found = is_trained(samples(spec(tasks=TWO), labels), 0.1, 7, 0)
        shares = found.reshape(-1, 4).mean(axis=0)
        assert shares.tolist() == pytest.approx([1, 0.1, 1, 0.1], abs=0.01)

    def test_each_epoch_has_other_negatives(self) -> None:
        given = samples(spec(tasks=ONE), [[0]])
        both = is_trained(given, 0.1, 7, 0) & is_trained(given, 0.1, 7, 1)
        assert both.mean() == pytest.approx(0.01, abs=0.002)


class TestCorrections:
    def test_shift_the_logit_of_the_task_that_comes_first(self) -> None:
        assert corrections(spec(tasks=ONE, negatives=0.1)) == (math.log(0.1),)
        assert corrections(spec(tasks=CHAIN, negatives=0.1)) == (0, math.log(0.1))

    @pytest.mark.parametrize("tasks", [TWO, FAKE])
    def test_are_weights_where_a_shift_would_be_wrong(self, tasks: dict[str, Task]) -> None:
        job = spec(tasks=tasks, negatives=0.1)
        given = samples(job, [[1.0] * len(tasks), [0.0] * len(tasks)])
        weigh(job, given)
        assert corrections(job) == (0,) * len(tasks)
        assert given.weights[:2].tolist() == [[1] * len(tasks), pytest.approx([10] * len(tasks))]

    def test_need_no_weights_where_they_shift(self) -> None:
        job = spec(tasks=CHAIN, negatives=0.1)
        given = samples(job, [[math.nan, 0]])
        weigh(job, given)
        assert (given.weights == 1).all()

    def test_are_nothing_where_all_are_trained_on(self) -> None:
        assert corrections(spec(tasks=TWO)) == (0, 0)

    def test_give_back_the_share_of_positives(self) -> None:
        given = samples(spec(tasks=ONE), [[1], [0], [0], [0], [0]])
        trained = given.labels[is_trained(given, 0.25, 7, 0)]
        share = float(trained.mean())
        logit = math.log(share / (1 - share)) + corrections(spec(tasks=ONE, negatives=0.25))[0]
        assert 1 / (1 + math.exp(-logit)) == pytest.approx(0.2, abs=0.005)
