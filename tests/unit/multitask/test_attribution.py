"""Late labels: which samples convert, and when a feeder trains on it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.errors import SpecError
from isthmus.data.spec import Dataset
from isthmus.multitask.feed import attribution
from isthmus.multitask.feed.feeder import WindowFeeder
from isthmus.multitask.feed.inputs import Inputs
from isthmus.multitask.feed.reading import read_final
from isthmus.multitask.feed.sample_arrays import none
from isthmus.multitask.feed.waiting import Late, Waiting
from isthmus.multitask.spec import Multitask, Task
from isthmus.paramserver.window import Window
from tests.unit.multitask.made_data import (
    HOUR,
    buying,
    inputs,
    labels_of,
    queues,
    random_columns,
    random_conversions,
    spec,
)


def windows(job: Multitask, given: Inputs) -> list[Window]:
    feeder, found = WindowFeeder(job, given), list[Window]()
    while (window := feeder.next_window(len(found))) is not None:
        found.append(window)
    return found


def trained(job: Multitask, given: Inputs) -> list[tuple[int, list[float]]]:
    """What is trained on, one sample after the other: the ad, and the labels."""
    found = windows(job, given)
    ads = [
        int(window.keys.id[slot])
        for window in found
        for batch in window.batches
        for slot in batch.slots
    ]
    return list(zip(ads, labels_of(found), strict=True))


def final(job: Multitask, given: Inputs) -> list[list[float]]:
    blocks = [np.nan_to_num(it.samples.labels, nan=-1) for it in read_final(job, given)]
    found: list[list[float]] = np.concatenate(blocks).tolist()
    return found


def shows(*minutes: float, **columns: Any) -> dict[str, Any]:
    """Samples at these times, whose ads and keys are 0, 1, ..."""
    count = len(minutes)
    return {
        "ad": range(count),
        "key": range(count),
        "time": [minute * 60 for minute in minutes],
    } | columns


WAIT = spec(tasks={"cvr": buying()})
FAKE = spec(tasks={"cvr": buying("fake_negative")})
LAST = (9, 2 * HOUR)
"""A conversion of no sample, from after the windows of all of them."""

CLICKED = {"ctr": Task(label="click"), "cvr": buying(given="ctr")}


class TestWait:
    def test_a_sample_is_trained_on_once_its_label_is_known(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, shows(0, 10, 20, 30, 65, 75), converted=[(1, 25 * 60)])
        assert trained(WAIT, given) == [
            (0, [0]),  # with the sample at 65: its hour is over
            (1, [1]),  # with that at 75: so is its own, and only now does its conversion count
        ]  # the hours of the others reach beyond the data

    def test_when_the_data_end_labels_come_in_the_order_of_samples(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, shows(0, 1, 2), converted=[(2, 600), (1, 700), LAST])
        assert trained(WAIT, given) == [(0, [0]), (1, [1]), (2, [1])]

    def test_the_other_labels_are_trained_on_at_once(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, shows(0, 1, 70, click=[1, 0, 1]), converted=[(0, 600)])
        assert trained(spec(tasks=CLICKED), given) == [
            (0, [1, -1]),
            (1, [0, -1]),
            (2, [1, -1]),
            (0, [-1, 1]),
        ]

    def test_in_the_entire_space_no_click_is_no_conversion_at_once(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, shows(0, 1, click=[1, 0]), converted=[(0, 600), LAST])
        job = spec(tasks=CLICKED, entire_space=True)
        assert trained(job, given) == [(0, [1, -1]), (1, [0, 0]), (0, [-1, 1])]

    def test_a_1_in_the_data_set_itself_is_known_at_once(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, shows(0, 1, buy=[None, 1]), converted=[LAST])
        assert trained(WAIT, given) == [(1, [1]), (0, [0])]

    def test_a_conversion_at_the_time_of_its_sample_is_known_at_once(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, shows(0, 1), converted=[(1, 60), LAST])
        assert trained(WAIT, given) == [(1, [1]), (0, [0])]

    def test_if_too_many_wait_the_oldest_are_left_out(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, shows(0, 1, 2), converted=[(0, 3000), (2, 3100), LAST])
        job = spec(tasks={"cvr": buying()}, queues=queues(most_waiting=1))
        assert trained(job, given) == [(2, [1])]

    def test_tasks_may_wait_for_one_another(self, tmp_path: Path) -> None:
        tasks = {"buy": buying(hours=1), "again": buying(hours=3, given="buy")}
        given = inputs(tmp_path, shows(0, 1, 200), converted=[(0, 600), (0, 700)])
        assert trained(spec(tasks=tasks), given) == [
            (0, [1, -1]),
            (1, [0, -1]),
            (0, [-1, 1]),
        ]

    def test_before_anybody_has_converted_the_window_alone_decides(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, shows(0, 10, 65), converted=[])
        assert trained(WAIT, given) == [(0, [0])]


class TestFakeNegative:
    def test_a_sample_is_a_negative_until_it_converts(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, shows(0, 10, 30), converted=[(0, 25 * 60)])
        assert trained(FAKE, given) == [(0, [0]), (1, [0]), (2, [0]), (0, [1])]

    def test_before_anybody_has_converted_all_are_negatives(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, shows(0, 10, 65), converted=[])
        assert trained(FAKE, given) == [(0, [0]), (1, [0]), (2, [0])]

    def test_no_other_label_is_trained_on_twice(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, shows(0, 1, 30, click=[1, 0, 1]), converted=[(0, 600)])
        job = spec(tasks=CLICKED | {"cvr": buying("fake_negative", given="ctr")})
        assert trained(job, given) == [
            (0, [1, 0]),
            (1, [0, -1]),
            (2, [1, 0]),
            (0, [-1, 1]),
        ]

    def test_if_too_many_wait_the_oldest_stay_negatives(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, shows(0, 1), converted=[(0, 3000), (1, 3100)])
        job = spec(tasks={"cvr": buying("fake_negative")}, queues=queues(most_waiting=1))
        assert trained(job, given) == [(0, [0]), (1, [0]), (1, [1])]


class TestFinal:
    def test_labels_wait_for_nothing(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, shows(0, 1, 2, click=[1, 0, 1]), converted=[(0, 600), (1, 700)])
        assert final(spec(tasks=CLICKED), given) == [[1, 1], [0, -1], [1, 0]]

    def test_labels_are_those_of_the_data_without_key_or_time(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, {"ad": [1, 2], "buy": [1, 0]}, converted=[(0, 600)])
        assert final(WAIT, given) == [[1], [0]]

    @given(seed=st.integers(0, 10**6), hours=st.floats(0.1, 3))
    def test_agree_with_a_join_by_hand(
        self, tmp_path_factory: pytest.TempPathFactory, seed: int, hours: float
    ) -> None:
        columns = random_columns(50, seed)
        converted = random_conversions(columns, seed)
        job = spec(tasks={"cvr": buying(hours=hours)})
        found = final(job, inputs(tmp_path_factory.mktemp("data"), columns, converted=converted))
        assert found == [
            [any(key == other and time <= when <= time + hours * HOUR for other, when in converted)]
            for key, time in zip(columns["key"], columns["time"], strict=True)
        ]

    def test_do_not_depend_on_how_many_conversions_are_read_at_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        columns = random_columns(30_000, 1)
        given = inputs(tmp_path, columns, converted=random_conversions(columns, 1))
        expected = final(WAIT, given)
        monkeypatch.setattr(attribution, "_CHUNK", 1)  # a block each
        assert final(WAIT, given) == expected
        assert 0.05 < np.mean(expected) < 0.5

    def test_a_key_counts_from_its_sample_on(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, shows(10, 20), converted=[(0, 60), (0, 61), (0, 700), (1, 1100)])
        assert final(WAIT, given) == [[1], [0]]

    def test_timestamps_are_times_too(self, tmp_path: Path) -> None:
        times = np.array(["2026-01-01T00:00:00", "2026-01-01T02:00:00"], "datetime64[s]")
        later = times + np.timedelta64(30, "m")
        columns = {"ad": [1, 2], "key": ["a", "b"], "time": times}
        given = inputs(tmp_path, columns, converted=[("b", later[1])])
        assert final(WAIT, given) == [[0], [1]]

    def test_times_may_be_text_as_in_csv(self, tmp_path: Path) -> None:
        given = inputs(tmp_path, shows(0, 1), converted=[("1", "2026-01-01 00:00:30")])
        (tmp_path / "a.csv").write_text(
            "ad,key,time\n5,0,2026-01-01 00:00:00\n6,1,2026-01-01 00:00:10\n"
        )
        csv = Inputs(Dataset(path="a.csv"), tmp_path, 7, given.conversions)
        assert final(WAIT, csv) == [[0], [1]]

    @pytest.mark.parametrize(
        ("first", "late"),
        [
            ("1", "10"),
            ("1.5", "10.25"),
            ("1", "10.5"),
            ('"1970-01-01T00:00:01"', '"1970-01-01 10:00"'),
        ],
    )
    def test_times_of_json_lines_are_numbers_or_text(
        self, tmp_path: Path, first: str, late: str
    ) -> None:
        shown = [f'{{"ad": {key}, "key": "{key}", "time": {first}}}\n' for key in (1, 2)]
        (tmp_path / "a.jsonl").write_text("".join(shown))
        (tmp_path / "b.jsonl").write_text(f'{{"key": "2", "time": {late}}}\n')
        given = Inputs(Dataset(path="a.jsonl"), tmp_path, 7, {"bought": Dataset(path="b.jsonl")})
        assert final(spec(tasks={"cvr": buying(hours=24)}), given) == [[0], [1]]


class TestErrors:
    @pytest.mark.parametrize(
        ("columns", "converted", "message"),
        [
            (shows(5, 1, 0), [(1, 1)], "samples.parquet: column 'time' falls 2 times among 3"),
            (shows(0, 1), [(1, 9), (1, 8)], "bought.parquet: column 'time' falls 1 times"),
            (shows(0, 1, time=[1, None]), [(1, 9)], "column 'time' has 1 empty cells among 2"),
            (shows(0, 1, time=["a", "b"]), [(1, 9)], "seconds or timestamps such as"),
            (
                shows(0, time=np.array(["2026-01-01"], "datetime64[s]")),
                [(1, 9)],
                "bought.parquet: column 'time' holds seconds, but that of .* Give both",
            ),
            ({"ad": [1], "time": [1]}, [(1, 9)], "task 'cvr' joins .* no column 'key'"),
        ],
    )
    def test_of_times_and_keys(
        self, tmp_path: Path, columns: Any, converted: Any, message: str
    ) -> None:
        with pytest.raises(SpecError, match=message):
            windows(WAIT, inputs(tmp_path, columns, converted=converted))

    def test_of_a_data_set_that_is_not_described(self, tmp_path: Path) -> None:
        message = r"`tasks.cvr.conversions.dataset` is 'bought': add a table \[datasets.bought\]"
        with pytest.raises(SpecError, match=message):
            windows(WAIT, inputs(tmp_path, shows(0)))


class TestWaiting:
    """Against a plain list of pairs."""

    @given(st.data())
    def test_agrees_with_a_list(self, data: st.DataObject) -> None:
        job = spec()
        waiting, expected, read = Waiting(job), list[tuple[float, int]](), 0
        for _ in range(data.draw(st.integers(1, 12))):
            until = data.draw(st.lists(st.integers(0, 20).map(float), max_size=6))
            waiting.add(late(until, read))
            expected += [(each, read + number) for number, each in enumerate(until)]
            read += len(until)
            if data.draw(st.booleans()):
                again = Waiting(job)
                again.restore("here", waiting.state("here"))
                waiting = again
            clock = data.draw(st.integers(0, 20))
            due = sorted(pair for pair in expected if pair[0] <= clock)
            expected = [pair for pair in expected if pair[0] > clock]
            assert waiting.due(clock).read.tolist() == [number for _, number in due]
            count = data.draw(st.integers(0, len(expected)))
            oldest = sorted(number for _, number in expected)[:count]
            expected = [pair for pair in expected if pair[1] not in oldest]
            assert waiting.oldest(count).samples.position.tolist() == oldest
            assert len(waiting) == len(expected)


def late(until: list[float], read: int) -> Late:
    rows, empty = len(until), none(spec())
    samples = replace(
        empty,
        ids=np.zeros((rows, 1), np.int64),
        numbers=np.zeros((rows, 0), np.float32),
        labels=np.zeros((rows, 1), np.float32),
        weights=np.zeros((rows, 1), np.float32),
        position=np.arange(read, read + rows),
    )
    return Late(samples, np.array(until, np.float64), samples.position)
