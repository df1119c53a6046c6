"""The feeder: windows of batches, the same ones after any interruption."""

import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from isthmus.core.errors import SpecError
from isthmus.data import batches
from isthmus.data.spec import Dataset
from isthmus.multitask.feed.feeder import WindowFeeder
from isthmus.multitask.feed.inputs import Inputs
from isthmus.multitask.feed.reading import read_final, read_unlabelled
from isthmus.multitask.samples import Samples, concatenate
from isthmus.multitask.spec import Identifier, Multitask, Task
from isthmus.paramserver.spec import Server
from isthmus.paramserver.window import Window
from tests.unit.multitask.made_data import (
    FEATURES,
    buying,
    inputs,
    labels_of,
    queues,
    random_columns,
    random_conversions,
    same,
    spec,
)

Arrays = Mapping[str, NDArray[Any]]


def rest(feeder: WindowFeeder, number: int = 0) -> list[Window]:
    """The windows from one on."""
    found = list[Window]()
    while (window := feeder.next_window(number + len(found))) is not None:
        found.append(window)
    return found


def stored(state: Arrays) -> Arrays:
    """The state as a checkpoint gives it back."""
    file = io.BytesIO()
    np.savez(file, **state)  # type: ignore[arg-type]
    file.seek(0)
    return dict(np.load(file, allow_pickle=False))


def content(window: Window) -> list[NDArray[Any]]:
    """All arrays of a window, and its numbers."""
    found = [np.array(window.number), window.keys.feature, window.keys.id, window.occurrences]
    for batch in window.batches:
        found += [np.array(batch.task), batch.slots, *batch.lengths]
        found += [batch.numbers, batch.labels, batch.weights]
    return found


def equal(first: Sequence[Window], second: Sequence[Window]) -> bool:
    """Whether windows are equal, bit by bit."""
    pairs = zip(first, second, strict=True)
    return all(
        len(content(one)) == len(content(other))
        and all(
            a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
            for a, b in zip(content(one), content(other), strict=True)
        )
        for one, other in pairs
    )


def ads(windows: Sequence[Window]) -> list[list[int]]:
    """Ids of every batch, of jobs with one feature."""
    return [window.keys.id[batch.slots].tolist() for window in windows for batch in window.batches]


TASKS = {
    "ctr": Task(label="click"),
    "like": Task(label="like"),
    "cvr": buying(given="ctr"),
    "sold": buying("fake_negative"),
}


class TestWindows:
    def test_have_as_many_whole_batches_as_it_takes(self, tmp_path: Path) -> None:
        columns = {"ad": range(11), "click": [0, 1] * 5 + [0]}
        found = rest(WindowFeeder(spec(4, batch_rows=3), inputs(tmp_path, columns)))
        assert [[batch.samples for batch in window.batches] for window in found] == [[3, 3], [3, 2]]
        assert [window.number for window in found] == [0, 1]
        assert ads(found) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10]]

    def test_may_be_of_one_batch(self, tmp_path: Path) -> None:
        columns = {"ad": range(4), "click": [0] * 4}
        found = rest(WindowFeeder(spec(1, batch_rows=2), inputs(tmp_path, columns)))
        assert [window.samples for window in found] == [2, 2]

    def test_have_each_key_once_in_the_order_of_its_use(self, tmp_path: Path) -> None:
        columns = {"ad": [5, 3, 5, None], "tags": ["7|7", "", "3|7", "9"], "click": [0] * 4}
        features = {"ad": Identifier(), "tags": Identifier(many="sum")}
        job = spec(9, batch_rows=2, features=features)
        (window,) = rest(WindowFeeder(job, inputs(tmp_path, columns)))
        keys = list(zip(window.keys.feature.tolist(), window.keys.id.tolist(), strict=True))
        assert keys == [(0, -1), (1, -1), (0, 5), (0, 3), (1, 7), (1, 3), (1, 9)]
        assert window.occurrences.tolist() == [0, 0, 2, 1, 2, 1, 1]
        first, second = window.batches
        assert (first.slots.tolist(), first.lengths[0].tolist()) == ([2, 3, 4, 4], [2, 0])
        assert (second.slots.tolist(), second.lengths[0].tolist()) == ([2, 0, 5, 4, 6], [2, 1])

    def test_lead_back_to_the_samples(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, random_columns(500, 3))
        job = spec(100, batch_rows=30, features=FEATURES)
        found = rest(WindowFeeder(job, given))
        samples = concatenate([block.samples for block in read_final(job, given)])
        pairs = [
            (window.keys.id[batch.slots], batch) for window in found for batch in window.batches
        ]
        cut = [batch.samples * samples.ids.shape[1] for _, batch in pairs]
        single = [ids[:end] for (ids, _), end in zip(pairs, cut, strict=True)]
        several = [ids[end:] for (ids, _), end in zip(pairs, cut, strict=True)]
        assert np.array_equal(np.concatenate(single), samples.ids.ravel())
        assert np.array_equal(np.concatenate(several), samples.lists[0].ids)
        assert np.array_equal(np.concatenate([it.numbers for _, it in pairs]), samples.numbers)

    def test_are_asked_for_in_order(self, tmp_path: Path) -> None:
        feeder = WindowFeeder(spec(), inputs(tmp_path, {"ad": [1], "click": [1]}))
        with pytest.raises(ValueError, match="window 1 was asked for, but 0 is the next one"):
            feeder.next_window(1)


class TestRows:
    def test_are_read_once_per_epoch(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, {"ad": range(5), "click": [0] * 5})
        found = rest(WindowFeeder(spec(batch_rows=3, epochs=2), given))
        assert ads(found) == [[0, 1, 2], [3, 4, 0], [1, 2, 3], [4]]

    def test_are_trained_on_or_kept_out(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, {"ad": range(1000), "click": [0] * 1000}, kept_out=0.2)
        batches = ads(rest(WindowFeeder(spec(), replace(given, part="trained"))))
        trained = [ad for batch in batches for ad in batch]
        blocks = read_final(spec(), replace(given, part="kept_out"))
        kept_out = concatenate([block.samples for block in blocks]).ids[:, 0].tolist()
        assert sorted(trained + kept_out) == list(range(1000))
        assert len(kept_out) == pytest.approx(200, abs=40)

    def test_that_are_trained_on_are_counted_once(self, tmp_path: Path) -> None:
        columns = {"ad": range(100), "click": [0, None] * 50}
        given = inputs(tmp_path, columns, kept_out=0.2, part="trained")
        feeder = WindowFeeder(spec(epochs=2), given)
        trained = [ad for batch in ads(rest(feeder)) for ad in batch]
        assert 2 * feeder.trained == len(trained)
        assert feeder.trained == len(set(trained)) < 50

    def test_without_any_label_are_left_out(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, {"ad": range(4), "click": [0, None, 1, None]})
        assert ads(rest(WindowFeeder(spec(batch_rows=9), given))) == [[0, 2]]

    def test_without_a_positive_label_are_drawn(self, tmp_path: Path) -> None:
        columns = {"ad": range(1000), "click": [0, 0, 0, 1] * 250}
        found = rest(WindowFeeder(spec(negatives=0.1), inputs(tmp_path, columns)))
        labels = np.array(labels_of(found))
        assert (labels == 1).sum() == 250
        assert (labels == 0).sum() == pytest.approx(75, abs=25)

    def test_to_predict_have_no_labels(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, random_columns(20, 1))
        job = spec(features=FEATURES, tasks=TASKS)
        (found,) = read_unlabelled(job, given)
        assert found.ids.shape == (20, 2)
        assert np.isnan(found.labels).all()

    def test_to_test_on_may_have_other_columns_besides(self, tmp_path: Path) -> None:
        columns = {"ad": [1, 2], "click": [0, 1], "known": [0.25, None]}
        (block,) = read_final(spec(), inputs(tmp_path, columns), ["known"])
        assert np.array_equal(block.extra["known"], [0.25, np.nan], equal_nan=True)


class TestState:
    @given(data=st.data(), seed=st.integers(0, 10**6))
    def test_gives_the_same_windows_after_any_interruption(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, seed: int
    ) -> None:
        folder = tmp_path_factory.mktemp("data")
        columns = random_columns(data.draw(st.integers(30, 60)), seed, like=0.7)
        converted = random_conversions(columns, seed)
        given = inputs(folder, columns, converted=converted, kept_out=0.1, part="trained")
        job = Multitask(
            features=FEATURES,
            tasks=TASKS,
            batch_rows=data.draw(st.integers(1, 12)),
            epochs=data.draw(st.integers(1, 2)),
            negatives=data.draw(st.sampled_from([1.0, 0.5])),
            queues=queues(
                longest_wait=data.draw(st.sampled_from([10, 1000])),
                most_waiting=data.draw(st.sampled_from([3, 1000])),
            ),
            server=Server(exchange_every=data.draw(st.integers(8, 40))),
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(batches, "BLOCK", data.draw(st.integers(7, 40)))
            undisturbed = WindowFeeder(job, given)
            expected = rest(undisturbed)
            cuts = data.draw(st.sets(st.integers(0, len(expected)), max_size=3))
            feeder, found = WindowFeeder(job, given), list[Window]()
            for window in range(len(expected) + 1):
                if window in cuts:
                    state = stored(feeder.state())
                    feeder.next_window(window)  # the state must not change with the feeder
                    feeder = WindowFeeder(job, given)
                    feeder.restore(state)
                made = feeder.next_window(window)
                found += [made] if made is not None else []
            assert equal(found, expected)
            assert feeder.reports() == undisturbed.reports()

    @pytest.mark.parametrize("name", ["samples.parquet", "bought.parquet"])
    def test_is_refused_when_a_file_has_changed(self, tmp_path: Path, name: str) -> None:
        columns = random_columns(50, 1)
        given = inputs(tmp_path, columns, converted=random_conversions(columns, 1))
        job = spec(tasks={"cvr": buying()})
        state = WindowFeeder(job, given).state()
        columns["time"][-1] += 1
        converted = random_conversions(columns, 2)
        other = inputs(tmp_path / "..", columns, converted=converted)
        (other.folder / name).rename(tmp_path / name)
        with pytest.raises(SpecError, match=f"{name}: the file has changed since"):
            WindowFeeder(job, given).restore(state)

    def test_lets_the_same_input_go_on_from_a_pipe(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lines = b"".join(b'{"ad": %d, "click": %d}\n' % (n, n % 2) for n in range(20_000))

        def start() -> WindowFeeder:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
            return WindowFeeder(spec(1000, batch_rows=300), Inputs(Dataset(path="-"), tmp_path, 7))

        expected = rest(start())
        feeder = start()
        found = [feeder.next_window(number) for number in range(10)]
        state, feeder = feeder.state(), start()
        feeder.restore(state)
        assert equal([window for window in found if window] + rest(feeder, 10), expected)
        feeder.restore(state)
        with pytest.raises(SpecError, match="Start the same command again with the same input"):
            rest(feeder, 10)

    def test_of_a_window_is_no_view(self, tmp_path: Path) -> None:
        feeder = WindowFeeder(spec(batch_rows=3), inputs(tmp_path, random_columns(40, 1)))
        feeder.next_window(0)
        state = feeder.state()
        before = {name: array.copy() for name, array in state.items()}
        rest(feeder, 1)
        assert all(np.array_equal(state[name], array) for name, array in before.items())


class TestReports:
    def test_tell_what_each_queue_gave(self, tmp_path: Path) -> None:
        columns = {"ad": range(6), "click": [0, 1] * 3, "like": [None, None, 1, 1, None, None]}
        tasks = {"ctr": Task(label="click"), "like": Task(label="like")}
        feeder = WindowFeeder(spec(tasks=tasks, batch_rows=4), inputs(tmp_path, columns))
        rest(feeder)
        found = {name: (each.flushes, each.trained) for name, each in feeder.reports().items()}
        assert found == {"ctr": (1, 4), "like": (0, 0), "joint": (1, 2)}
        assert set(feeder.lengths().values()) == {0}
        assert feeder.waiting == 0


class TestErrors:
    def test_of_a_task_without_labels(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, {"ad": [1, 2], "click": [None, None]})
        message = "task 'ctr' never has a label: column 'click' is empty in all of the 2 rows"
        with pytest.raises(SpecError, match=message):
            rest(WindowFeeder(spec(), given))

    def test_of_a_task_that_never_counts(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, {"ad": [1, 2], "click": [0, 0], "buy": [1, 1]})
        tasks = {"ctr": Task(label="click"), "cvr": Task(label="buy", given="ctr")}
        with pytest.raises(SpecError, match=r"task 'cvr' never has a label.* or 'ctr' is never 1"):
            rest(WindowFeeder(spec(tasks=tasks), given))

    def test_of_a_pipe_that_would_be_read_twice(self, tmp_path: Path) -> None:
        with pytest.raises(SpecError, match="can be read once, but `epochs` is 2"):
            WindowFeeder(spec(epochs=2), Inputs(Dataset(path="-"), tmp_path, 7))


class TestSame:
    def test_tells_samples_apart(self, tmp_path: Path) -> None:
        """The comparison that these tests lean on."""
        (one,) = read_unlabelled(spec(features=FEATURES), inputs(tmp_path, random_columns(9, 1)))
        assert same(one, concatenate([one]))
        assert not same(one, other_position(one))


def other_position(samples: Samples) -> Samples:
    return replace(samples, position=samples.position + 1)
