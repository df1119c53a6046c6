"""The built-in server: one window at a worker."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isthmus.paramserver.engine import NO_FEATURE, Plan
from isthmus.paramserver.shards.placement import part, positions
from isthmus.paramserver.spec import Server, Sgd
from isthmus.paramserver.tables.optimizers import Layout
from isthmus.paramserver.tiers.builtin import train_window
from isthmus.paramserver.window import (
    DEFAULT,
    Float32s,
    Gradients,
    Keys,
    Push,
    Rows,
    Trainer,
    Window,
)
from tests.tiers import (
    DIMENSION,
    FEATURES,
    SIZE,
    LinearBatch,
    LinearTrainer,
    make_data,
    make_plan,
    make_push,
    make_window,
    names_of,
)

RATE = np.float32(0.05)


def plan(*, shards: int = 1, workers: int = 1, staleness: int = 0) -> Plan:
    server = Server(
        shards=shards, workers=workers, staleness=staleness, rows=Sgd(rate=0.05), dense=Sgd()
    )
    return make_plan(Path(), server)


def keys_of(ids: list[int]) -> Keys:
    """A key of each feature."""
    return Keys(np.arange(FEATURES, dtype=np.uint16), np.array(ids))


def window_of(number: int = 0, batches: int = 3) -> Window:
    return make_window(number, make_data().batches()[:batches])


def rows_for(window: Window, shards: int = 1) -> list[Rows]:
    """What shards would answer that have a row for every key."""
    values = Layout(DIMENSION, Sgd()).first(window.keys, 0)
    dense = LinearTrainer().first()[None, :]
    return [
        Rows(values[place], np.ones(len(place), np.bool_), dense[:, part(SIZE, shards, number)])
        for number, place in enumerate(positions(window.keys, shards))
    ]


def rows_of(push: Push) -> dict[tuple[int, int], list[float]]:
    return dict(zip(names_of(push.keys), push.rows.tolist(), strict=True))


class Constant:
    """A trainer whose gradients are all the same."""

    dimension = DIMENSION
    size = SIZE

    def __init__(self, number: float = 1, loss: float = 1) -> None:
        self.number = number
        self.loss = loss
        self.seen = list[Float32s]()
        """The vectors of every batch."""

    def first(self) -> Float32s:
        return LinearTrainer().first()

    def gradients(self, batch: LinearBatch, vectors: Float32s, dense: Float32s) -> Gradients:  # noqa: ARG002
        self.seen.append(vectors)
        return Gradients(
            np.full_like(vectors, self.number),
            np.zeros(SIZE, np.float32),
            [slice(0, 5)],
            self.loss,
        )


class TestTrainWindow:
    def test_trains_the_rows_that_batches_use_and_no_others(self) -> None:
        window = make_window(
            0,
            [
                (
                    keys_of([5, 5, DEFAULT]),
                    np.zeros(1, np.float32),
                    False,
                )
            ],
        )
        (push,), _ = train_window(Constant(), plan(), window, rows_for(window))
        assert sorted(names_of(push.keys)) == [(0, 5), (1, 5), (2, DEFAULT)]

    def test_lets_the_default_row_serve_keys_without_a_row(self) -> None:
        window = window_of()
        (rows,) = rows_for(window)
        none = replace(rows, admitted=window.keys.id == DEFAULT)
        trainer = Constant()
        (push,), _ = train_window(trainer, plan(), window, [none])
        assert sorted(names_of(push.keys)) == [(feature, DEFAULT) for feature in range(FEATURES)]
        for feature, _ in enumerate(rows_of(push)):
            np.testing.assert_array_equal(trainer.seen[0][feature], 0)  # DEFAULT begins as zeros

    def test_updates_after_every_batch(self) -> None:
        key = keys_of([5, 5, 5])
        part_of = (key, np.zeros(1, np.float32), False)
        window = make_window(0, [part_of, part_of])
        trainer = Constant()
        train_window(trainer, plan(), window, rows_for(window))
        np.testing.assert_array_equal(trainer.seen[1], trainer.seen[0] - RATE)

    def test_gives_the_dense_numbers_that_it_trained(self) -> None:
        window = window_of()
        pushes, _ = train_window(Constant(), plan(shards=3), window, rows_for(window, 3))
        assert (
            np.concatenate([push.trained for push in pushes]).tolist() == [True] * 5 + [False] * 8
        )

    @pytest.mark.parametrize("shards", [1, 2, 7])
    def test_gives_the_same_for_any_number_of_shards(self, shards: int) -> None:
        window = window_of()
        pushes, report = train_window(
            LinearTrainer(), plan(shards=shards), window, rows_for(window, shards)
        )
        (single,), expected = train_window(LinearTrainer(), plan(), window, rows_for(window))
        assert {name: row for push in pushes for name, row in rows_of(push).items()} == rows_of(
            single
        )
        dense = np.concatenate([push.dense for push in pushes], axis=1)
        assert dense.tobytes() == single.dense.tobytes()
        assert report.loss == expected.loss

    def test_does_not_change_what_it_was_given(self) -> None:
        window = window_of()
        given = rows_for(window)
        before = given[0].rows.copy(), given[0].dense.copy()
        train_window(LinearTrainer(), plan(), window, given)
        assert (given[0].rows == before[0]).all()
        assert (given[0].dense == before[1]).all()

    def test_reports_loss_samples_and_bytes(self) -> None:
        window = window_of(4)
        (rows,) = given = rows_for(window)
        (push,), report = train_window(Constant(loss=0.5), plan(), window, given)
        assert (report.window, report.samples, report.loss) == (4, 24, 0.5)
        crossed = [rows.rows, rows.admitted, rows.dense]
        crossed += [push.keys.feature, push.keys.id, push.rows, push.dense, push.trained]
        assert report.traffic == sum(array.nbytes for array in crossed)
        assert report.diverged is None


class TestCarried:
    def carried(self, relative: bool) -> Sequence[Sequence[Push]]:  # noqa: FBT001
        dense = np.full((1, SIZE), 10, np.float32)
        trained = [True] * 3 + [False] * (SIZE - 3)
        return [
            [
                make_push(
                    number,
                    [(0, 5), (0, 77)],
                    [[value] * DIMENSION] * 2,
                    dense,
                    trained=trained,
                    relative=relative,
                )
            ]
            for number, value in enumerate([100.0, 200.0])
        ]

    def window(self) -> Window:
        keys = keys_of([5, 5, 5])
        return make_window(2, [(keys, np.zeros(1, np.float32), False)])

    def test_whole_rows_take_the_place_of_those_pulled(self) -> None:
        trainer, window = Constant(), self.window()
        (push,), _ = train_window(
            trainer, plan(staleness=2), window, rows_for(window), self.carried(relative=False)
        )
        assert trainer.seen[0][0].tolist() == [200.0] * DIMENSION
        assert (0, 77) not in rows_of(push)
        first = LinearTrainer().first()
        assert push.dense[0].tolist() == [10] * 3 + first[3:].tolist()

    def test_changes_are_added_to_the_rows_pulled(self) -> None:
        trainer, window = Constant(), self.window()
        given = rows_for(window)
        pulled = given[0].rows[names_of(window.keys).index((0, 5))]
        (push,), _ = train_window(
            trainer, plan(workers=2, staleness=2), window, given, self.carried(relative=True)
        )
        expected = pulled + np.float32(100) + np.float32(200)
        assert trainer.seen[0][0].tobytes() == expected.tobytes()
        assert push.relative
        change = (expected - RATE) - expected
        np.testing.assert_array_equal(rows_of(push)[0, 5], change)
        assert not push.dense.any()


class TestDivergence:
    def test_of_the_loss_is_told(self) -> None:
        window = window_of()
        _, report = train_window(Constant(loss=math.inf), plan(), window, rows_for(window))
        assert report.diverged is not None
        assert math.isnan(report.loss)

    def test_of_a_gradient_names_its_feature(self) -> None:
        class Broken(Constant):
            def gradients(
                self, batch: LinearBatch, vectors: Float32s, dense: Float32s
            ) -> Gradients:
                given = super().gradients(batch, vectors, dense)
                if len(self.seen) == 2:
                    given.vectors[1::FEATURES] = np.nan
                return given

        window = window_of()
        _, report = train_window(Broken(), plan(), window, rows_for(window))
        assert report.diverged == 1

    def test_names_the_feature_with_the_largest_gradient_before(self) -> None:
        class Growing(Constant):
            def gradients(
                self, batch: LinearBatch, vectors: Float32s, dense: Float32s
            ) -> Gradients:
                given = super().gradients(batch, vectors, dense)
                given.vectors[2::FEATURES] = -1e3
                return replace(given, loss=1.0 if len(self.seen) == 1 else math.nan)

        window = window_of()
        _, report = train_window(Growing(), plan(), window, rows_for(window))
        assert report.diverged == 2

    def test_of_rows_after_the_last_batch_is_told(self) -> None:
        key = keys_of([5, 5, 5])
        window = make_window(0, [(key, np.zeros(1, np.float32), False)])
        rows = rows_for(window)
        rows[0].rows[names_of(window.keys).index((1, 5))] = 3e38
        trainer: Trainer = Constant(number=-1)
        _, report = train_window(trainer, plan(), window, rows)
        assert report.diverged == 1

    def test_without_any_row_names_no_feature(self) -> None:
        empty = Window(
            0,
            Keys(np.zeros(0, np.uint16), np.zeros(0, np.int64)),
            np.zeros(0, np.int32),
            [LinearBatch(np.zeros(0, np.int32), np.zeros(1, np.float32), partly=False)],
        )
        dense = LinearTrainer().first()[None, :]
        rows = Rows(np.zeros((0, DIMENSION), np.float32), np.zeros(0, np.bool_), dense)
        _, report = train_window(Constant(loss=math.nan), plan(), empty, [rows])
        assert report.diverged == NO_FEATURE
