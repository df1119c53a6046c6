"""Statistics of the first rows."""

from pathlib import Path

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.data.spec import Dataset
from isthmus.multitask.feed.feeder import WindowFeeder
from isthmus.multitask.feed.inputs import Inputs
from isthmus.multitask.feed.statistics import head_statistics
from isthmus.multitask.spec import Amount, Hashed, Identifier, Task
from tests.unit.multitask.made_data import (
    HOUR,
    buying,
    inputs,
    queues,
    random_columns,
    random_conversions,
    spec,
)


class TestHeadStatistics:
    def test_of_a_small_file_are_exact(self, tmp_path: Path) -> None:
        columns = {"ad": [1, 2, 2, None], "tags": ["a|b", "", "a", "c|d|e"], "click": [1, 0, 0, 1]}
        features = {"ad": Identifier(), "tags": Hashed(many="sum")}
        found = head_statistics(spec(2, features=features), inputs(tmp_path, columns))
        assert found is not None
        assert (found.read, found.rows, found.exact, found.trained) == (4, 4, True, 4)
        ad, tags = found.features["ad"], found.features["tags"]
        assert (ad.distinct, ad.rows, ad.in_window, ad.per_sample) == (2, 2, 2, 1)
        assert (tags.distinct, tags.rows, tags.in_window, tags.per_sample) == (5, 5, 2, 1.5)
        assert found.labels["ctr"].positive == 0.5

    def test_tell_how_many_ids_a_larger_window_has(self, tmp_path: Path) -> None:
        columns = {"ad": np.arange(40_000), "price": np.ones(40_000), "click": np.ones(40_000)}
        features = {"price": Amount(), "ad": Identifier()}
        found = head_statistics(spec(20_000, features=features), inputs(tmp_path, columns), most=1)
        assert found is not None
        assert (found.read, list(found.features)) == (8192, ["ad"])
        assert found.features["ad"].in_window == 20_000

    def test_count_the_ids_that_get_a_row(self, tmp_path: Path) -> None:
        columns = {"ad": [1, 2, 2, 3, 3, 3], "click": [0] * 6}
        job = spec(features={"ad": Identifier(admit_after=3)})
        found = head_statistics(job, inputs(tmp_path, columns))
        assert found is not None
        assert (found.features["ad"].distinct, found.features["ad"].rows) == (3, 1)

    def test_count_the_ids_that_wait_for_a_row(self, tmp_path: Path) -> None:
        columns = {"ad": [1, 2, 2, 3, 3, 3], "click": [0] * 6}
        for admit_after, waiting in ((1, 0), (2, 1), (3, 2), (4, 3)):
            job = spec(features={"ad": Identifier(admit_after=admit_after)})
            found = head_statistics(job, inputs(tmp_path, columns))
            assert found is not None
            assert found.features["ad"].waiting == waiting

    @pytest.mark.parametrize("until_then", ["wait", "fake_negative"])
    @pytest.mark.parametrize("first", [None, "ctr"])
    @pytest.mark.parametrize("joint", [True, False])
    def test_count_samples_as_they_are_trained_on(
        self, tmp_path: Path, until_then: str, first: str | None, *, joint: bool
    ) -> None:
        columns = random_columns(400, 1, click=0.2)
        columns["time"][-1] += 10 * HOUR  # the window of all others is over
        given = inputs(tmp_path, columns, converted=random_conversions(columns, 1))
        tasks = {"ctr": Task(label="click"), "cvr": buying(until_then, hours=5, given=first)}
        job = spec(tasks=tasks, queues=queues(joint_when_complete=joint))
        found = head_statistics(job, given)
        assert found is not None
        feeder, number = WindowFeeder(job, given), 0
        while feeder.next_window(number):
            number += 1
        trained = sum(report.trained for report in feeder.reports().values())
        assert found.trained == pytest.approx(trained, abs=1)

    @pytest.mark.parametrize("exponent", [1.2, 1.5, 2.0])
    def test_tell_how_many_ids_all_rows_have(self, tmp_path: Path, exponent: float) -> None:
        random = np.random.default_rng(3)
        ids = random.zipf(exponent, 200_000).clip(0, 2**40)
        given = inputs(tmp_path, {"ad": ids, "click": np.zeros(len(ids))})
        found = head_statistics(spec(), given, most=20_000)
        assert found is not None
        assert (found.read, found.rows, found.exact) == (24_576, 200_000, True)
        assert found.features["ad"].rows == pytest.approx(len(np.unique(ids)), rel=0.15)

    def test_tell_the_rates_of_labels(self, tmp_path: Path) -> None:
        columns = {"ad": range(4), "key": range(4), "time": range(4), "click": [1, 1, 0, None]}
        tasks = {"ctr": Task(label="click"), "cvr": buying(given="ctr")}
        given = inputs(tmp_path, columns, converted=[(0, 60)])
        found = head_statistics(spec(tasks=tasks, negatives=0.5), given)
        assert found is not None
        assert (found.labels["ctr"].labelled, found.labels["ctr"].positive) == (0.75, 2 / 3)
        assert (found.labels["cvr"].labelled, found.labels["cvr"].positive) == (0.5, 0.5)
        assert found.trained == 4  # two with a click, whose buy is late, half of the other: 4.5

    def test_of_rows_that_train_alone(self, tmp_path: Path) -> None:
        columns = {"ad": range(1000), "click": [1] * 1000}
        given = inputs(tmp_path, columns, kept_out=0.5, part="trained")
        found = head_statistics(spec(), given)
        assert found is not None
        assert found.features["ad"].distinct == found.trained == pytest.approx(500, abs=60)

    def test_of_a_pipe_are_none(self, tmp_path: Path) -> None:
        assert head_statistics(spec(), Inputs(Dataset(path="-"), tmp_path, 7)) is None

    def test_refuse_a_task_without_labels(self, tmp_path: Path) -> None:
        columns = {"ad": [1], "click": [1], "like": [None]}
        tasks = {"ctr": Task(label="click"), "like": Task(label="like")}
        with pytest.raises(SpecError, match="task 'like' never has a label in all 1 rows"):
            head_statistics(spec(tasks=tasks), inputs(tmp_path, columns))
