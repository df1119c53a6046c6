"""The report of a run: numbers over time, from its events."""

import math

from isthmus.core.telemetry import Event
from isthmus.multitask.report import AUC, WAITING, history


def event(done: int, **metrics: float) -> Event:
    return Event("train", done, metrics=metrics)


class TestHistory:
    def test_holds_the_numbers_of_training_alone(self) -> None:
        found = history([Event("score"), event(10, loss=0.6), event(20, loss=0.5, rows=7.0)])
        assert found.samples == [10, 20]
        assert found.loss == [0.6, 0.5]
        assert math.isnan(found.rows[0])
        assert found.rows[1] == 7.0

    def test_names_tasks(self) -> None:
        found = history([event(10, **{f"{AUC}ctr": 0.7, f"{WAITING}ctr": 3.0})])
        assert found.auc == {"ctr": [0.7]}
        assert found.waiting == {"ctr": [3.0]}

    def test_counts_samples_once_where_a_stopped_run_went_on(self) -> None:
        stopped = [event(10, loss=0.6), event(20, loss=0.5), event(30, loss=0.4)]
        found = history([*stopped, event(20, loss=0.51), event(30, loss=0.41)])
        assert found.samples == [10, 20, 30]
        assert found.loss == [0.6, 0.51, 0.41]

    def test_is_empty_before_training(self) -> None:
        assert history([]).samples == []
