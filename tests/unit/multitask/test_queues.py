"""Queues of tasks."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.errors import SpecError
from isthmus.multitask.feed.queues import QueueReport, Queues
from isthmus.multitask.feed.sample_arrays import cut, none
from isthmus.multitask.feed.stream import Arrivals
from isthmus.multitask.samples import ALL, Samples
from isthmus.multitask.spec import Multitask, Task
from tests.unit.multitask.made_data import buying, queues, spec

NO = math.nan
TWO = {"a": Task(label="a"), "b": Task(label="b")}
CHAIN = {"ctr": Task(label="click"), "cvr": buying(given="ctr")}

Batches = list[tuple[int, list[int]]]


def job(tasks: dict[str, Task] | None = None, batch_rows: int = 2, **keys: Any) -> Multitask:
    return spec(tasks=tasks or TWO, batch_rows=batch_rows, queues=queues(**keys))


def samples(labels: Sequence[Sequence[float]], tasks: int) -> Samples:
    many = np.array(labels, np.float32).reshape(-1, tasks)
    return replace(
        none(spec(tasks=dict.fromkeys("abc"[:tasks], Task(label="l")))),
        ids=np.zeros((len(many), 1), np.int64),
        numbers=np.zeros((len(many), 0), np.float32),
        labels=many,
        weights=np.ones_like(many),
        position=np.arange(len(many)),
    )


def arrivals(labels: Sequence[Sequence[float]], read: Sequence[int] | None = None) -> Arrivals:
    found = samples(labels, len(labels[0]) if labels else 2)
    rows = np.arange(len(found)) if read is None else np.array(read, np.int64)
    return Arrivals(found, rows, int(rows[-1]) if len(rows) else 0)


def positions(batches: Sequence[tuple[int, Samples]]) -> Batches:
    return [(task, samples.position.tolist()) for task, samples in batches]


def run(spec: Multitask, labels: Any, read: Any = None) -> Batches:
    filled = Queues(spec)
    given = arrivals(labels, read)
    return positions([*filled.push(given), *filled.end(given.rows)])


class TestRouting:
    def test_a_sample_goes_into_the_queue_of_its_label(self) -> None:
        labels = [[1, NO], [NO, 1], [NO, 0], [0, NO]]
        assert run(job(threshold="fixed"), labels) == [(1, [1, 2]), (0, [0, 3])]

    def test_a_sample_with_all_labels_goes_into_the_joint_queue(self) -> None:
        assert run(job(), [[1, 0], [1, NO], [0, 0]]) == [(ALL, [0, 2]), (0, [1])]

    def test_to_the_letter_it_goes_into_the_queue_of_each(self) -> None:
        labels = [[1, 0], [1, NO], [0, 0]]
        found = run(job(joint_when_complete=False, threshold="fixed"), labels)
        assert found == [(0, [0, 1]), (1, [0, 2]), (0, [2])]

    def test_labels_that_mean_nothing_or_come_later_are_not_lacking(self) -> None:
        labels = [[0, NO], [1, NO], [1, 1]]
        assert run(job(CHAIN, batch_rows=3), labels) == [(ALL, [0, 1, 2])]

    def test_a_late_label_goes_into_the_queue_of_its_task(self) -> None:
        assert run(job(CHAIN), [[NO, 1], [0, NO]]) == [(1, [0]), (ALL, [1])]

    def test_one_task_has_one_queue(self) -> None:
        assert run(job({"a": Task(label="a")}), [[1], [0], [1]]) == [(0, [0, 1]), (0, [2])]

    def test_no_task_may_have_the_name_of_the_joint_queue(self) -> None:
        with pytest.raises(SpecError, match="Give the task another name"):
            Queues(job(TWO | {"joint": Task(label="c")}))


class TestThreshold:
    def test_follows_the_rate_of_the_label(self) -> None:
        labels = [[1, NO], [1, NO], [1, NO], [NO, 1]] * 100
        batches = run(job(batch_rows=30), labels)
        sizes = {task: [len(rows) for of, rows in batches if of == task][1:-1] for task in (0, 1)}
        assert set(sizes[0]) == {30}
        assert set(sizes[1]) == {10}

    def test_follows_the_rate_of_the_joint_queue(self) -> None:
        labels = [[1, NO], [1, NO], [1, NO], [1, 1]] * 100
        batches = run(job(batch_rows=30), labels)
        assert {len(rows) for task, rows in batches[4:-2] if task == ALL} == {10}

    def test_may_be_fixed(self) -> None:
        labels = [[1, NO], [1, NO], [1, NO], [NO, 1]] * 100
        batches = run(job(batch_rows=30, threshold="fixed"), labels)
        assert {len(rows) for _, rows in batches[:-2]} == {30}


class TestLongestWait:
    def test_flushes_a_queue_that_does_not_fill(self) -> None:
        labels = [[1, NO], [NO, 1], [NO, 1], [NO, 1], [1, NO]]
        spec = job(threshold="fixed", batch_rows=3, longest_wait=3)
        assert run(spec, labels) == [(0, [0]), (1, [1, 2, 3]), (0, [4])]

    def test_counts_rows_that_were_read_and_not_trained_on(self) -> None:
        spec = job({"a": Task(label="a")}, batch_rows=3, longest_wait=5)
        assert run(spec, [[1], [1], [1]], read=[0, 5, 6]) == [(0, [0]), (0, [1, 2])]

    def test_is_reported(self) -> None:
        filled = Queues(job(batch_rows=2, longest_wait=10))
        given = arrivals([[1, NO], [NO, 1], [NO, 1]], read=[0, 3, 7])
        filled.push(given)
        filled.end(given.rows)
        assert filled.reports() == {
            "a": QueueReport(flushes=1, waited=7, trained=1),
            "b": QueueReport(flushes=1, waited=4, trained=2),
            "joint": QueueReport(flushes=0, waited=0, trained=0),
        }
        assert set(filled.lengths().values()) == {0}


class OneByOne:
    """The rules of queues in plain Python, for two tasks."""

    def __init__(self, spec: Multitask) -> None:
        self.spec = spec
        self.joint = spec.queues.joint_when_complete
        self.held: dict[int, list[tuple[int, int]]] = {task: [] for task in [0, 1, ALL]}
        self.entered = dict.fromkeys([0, 1, ALL], 0)
        self.batches = Batches()

    def push(self, row: int, label: list[float], read: int) -> None:
        for task, held in self.held.items():
            if held and held[0][1] + self.spec.queues.longest_wait <= read:
                self.flush(task)
        into = [task for task in (0, 1) if not math.isnan(label[task])]
        into = [ALL] if self.joint and len(into) == 2 else into
        for task in into:
            self.entered[task] += 1
            self.held[task].append((row, read))
        for task in into:
            if len(self.held[task]) >= self.threshold(task):
                self.flush(task)

    def threshold(self, task: int) -> int:
        most = self.spec.batch_rows
        fixed = self.spec.queues.threshold == "fixed"
        return most if fixed else math.ceil(most * self.entered[task] / max(self.entered.values()))

    def flush(self, task: int) -> None:
        self.batches.append((task, [row for row, _ in self.held[task]]))
        self.held[task] = []

    def all(self, labels: list[list[float]], read: list[int]) -> Batches:
        for row, label in enumerate(labels):
            self.push(row, label, read[row])
        for task, held in self.held.items():
            if held:
                self.flush(task)
        return self.batches


LABELS = st.lists(st.lists(st.sampled_from([0.0, 1.0, NO]), min_size=2, max_size=2), max_size=40)


class TestProperties:
    @given(data=st.data(), labels=LABELS)
    def test_agree_with_one_by_one(self, data: st.DataObject, labels: list[list[float]]) -> None:
        """However samples arrive together, and wherever a state is taken and restored."""
        settings = st.builds(
            job,
            batch_rows=st.integers(1, 7),
            threshold=st.sampled_from(["fixed", "label_rate"]),
            longest_wait=st.integers(1, 30),
            joint_when_complete=st.booleans(),
        )
        spec = data.draw(settings)
        gaps = data.draw(st.lists(st.integers(1, 4), min_size=len(labels), max_size=len(labels)))
        read: list[int] = np.cumsum(gaps, dtype=int).tolist()
        whole, filled, found = samples(labels, 2), Queues(spec), Batches()
        cuts = data.draw(st.sets(st.integers(0, len(labels))))
        for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(labels)], strict=True):
            rows = np.array(read[begin:end], np.int64)
            part = Arrivals(cut(whole, begin, end), rows, read[end - 1] if end else 0)
            found += positions(filled.push(part))
            if data.draw(st.booleans()):
                again = Queues(spec)
                again.restore(filled.state())
                assert again.reports() == filled.reports()
                filled = again
        found += positions(filled.end(read[-1] if read else 0))
        assert found == OneByOne(spec).all(labels, read)
