"""Statistics of the first rows of a data set, and what they say of all rows."""

import math
from dataclasses import dataclass, replace

import numpy as np

from isthmus.core.errors import SpecError
from isthmus.data.formats import is_pipe
from isthmus.multitask.feed.inputs import Inputs
from isthmus.multitask.feed.joining import Joiner, check_conversions
from isthmus.multitask.feed.queues import Queues
from isthmus.multitask.samples import Samples, concatenate, take
from isthmus.multitask.spec import Multitask, given, sparse_features
from isthmus.paramserver.window import DEFAULT, Int64s

READ = 100_000
"""Rows that are read, if no other number is asked for."""


@dataclass(frozen=True)
class FeatureStatistics:
    """Ids of a sparse feature."""

    distinct: int
    """Different ids in the rows that were read."""

    rows: int
    """Ids that get a row of their own, extrapolated to all rows of the data."""

    waiting: int
    """Ids that are counted, but come too seldom for a row, likewise extrapolated; 1 at least if the
    feature has such a rule, as they wait at first."""

    in_window: int
    """Different ids in a window of `exchange_every` samples."""

    per_sample: float
    """Ids of a sample, on average."""


@dataclass(frozen=True)
class LabelStatistics:
    """Labels of a task in the rows that were read; late ones are joined already."""

    labelled: float
    """Share of the samples that have the label."""

    positive: float
    """Share of these whose label is 1; NaN if there are none."""


@dataclass(frozen=True)
class HeadStatistics:
    """The first rows of a data set, and how many there may be in all.

    Ids of all rows follow from those of the rows read by Heaps' law: their number grows as a power
    of the rows, and the second half of the rows read shows which.
    """

    read: int
    """Rows that were read, those kept out for a test included."""

    rows: int
    """Rows in all: read, counted, or estimated."""

    exact: bool
    """Whether `rows` is no estimate."""

    trained: int
    """Samples in the batches of an epoch, extrapolated: without rows kept out, nor negatives left
    out; a late label is a sample of its own, and a sample in two queues counts twice."""

    features: dict[str, FeatureStatistics]
    """By name of the sparse feature, in the job's order."""

    labels: dict[str, LabelStatistics]
    """By name of the task."""


def head_statistics(spec: Multitask, inputs: Inputs, most: int = READ) -> HeadStatistics | None:
    """Read the first rows of a data set.

    Args:
        spec: The `[multitask]` table.
        inputs: What to train on.
        most: Rows to read, rounded up to whole blocks.

    Returns:
        The statistics; None for a pipe, which can be read only once.

    Raises:
        SpecError: The data are not as the job says, or all rows were read and a task has no label.
    """
    if is_pipe(inputs.dataset.resolve(inputs.folder)):
        return None
    check_conversions(spec, inputs)
    joiner, parts, read = Joiner(spec, inputs), list[Samples](), 0
    for joined in joiner.read():
        parts.append(take(joined.samples, np.flatnonzero(joiner.chosen(joined.samples))))
        read += len(joined.samples)
        if read >= most:
            break
    rows, exact = joiner.reader.rows()
    if read < most:
        rows, exact = read, True
    samples = concatenate(parts)
    labels = _labels(spec, samples)
    if read == rows and exact:
        _check_labels(labels, read)
    return HeadStatistics(
        read,
        max(rows or 0, read),
        exact,
        round(_trained(spec, samples) * max(rows or 0, read) / read),
        _features(spec, samples, max(rows or 0, read) / read),
        labels,
    )


def _labels(spec: Multitask, samples: Samples) -> dict[str, LabelStatistics]:
    found = dict[str, LabelStatistics]()
    for number, name in enumerate(spec.tasks):
        label = samples.labels[:, number]
        known = label[~np.isnan(label)]
        positive = float(known.mean(dtype=np.float64)) if len(known) else math.nan
        found[name] = LabelStatistics(len(known) / max(len(label), 1), positive)
    return found


def _check_labels(labels: dict[str, LabelStatistics], read: int) -> None:
    for name, label in labels.items():
        if label.labelled == 0:
            raise SpecError(
                f"task {name!r} never has a label in all {read} rows. Correct the file, or take "
                "the task out."
            )


def _trained(spec: Multitask, samples: Samples) -> float:
    """Returns how many samples are in batches; of negatives the expected number."""
    share = np.where((samples.labels == 1).any(axis=1), 1.0, spec.negatives)
    before, labels = dict(given(spec)), samples.labels.copy()
    late = np.zeros(len(labels), np.int64)
    for number, task in enumerate(spec.tasks.values()):
        if task.conversions is None:
            continue
        label, first = samples.labels[:, number], before[number]
        if task.conversions.until_then == "fake_negative":
            late += label == 1
        else:
            held = ~np.isnan(label) if first is None else samples.labels[:, first] == 1
            labels[held, number] = np.nan
            late += held
    labelled = ~np.isnan(labels).all(axis=1)
    at_once = Queues(spec).entries(replace(samples, labels=labels)).sum(axis=1)
    return float(share @ (labelled * at_once + late))


def _features(spec: Multitask, samples: Samples, times: float) -> dict[str, FeatureStatistics]:
    found = dict[str, FeatureStatistics]()
    count, single, several = len(samples), 0, 0
    for name, feature in sparse_features(spec).items():
        if feature.many is None:
            ids, lengths = samples.ids[:, single], np.ones(count, np.int32)
            single += 1
        else:
            ids, lengths = samples.lists[several].ids, samples.lists[several].lengths
            several += 1
        ends = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
        window = spec.server.exchange_every
        whole, half = ids, ids[: ends[count // 2]]
        rows = _extrapolated(
            _distinct(half, feature.admit_after), _distinct(whole, feature.admit_after), times
        )
        some = _extrapolated(_distinct(half), _distinct(whole), times)
        waiting = max(some - rows, 1) if feature.admit_after > 1 else 0
        in_window = _distinct(ids[: ends[min(window, count)]])
        if window > count:
            in_window = _extrapolated(_distinct(half), _distinct(whole), min(window / count, times))
        found[name] = FeatureStatistics(
            _distinct(ids), rows, waiting, in_window, len(ids) / max(count, 1)
        )
    return found


def _distinct(ids: Int64s, least: int = 1) -> int:
    """Returns how many ids occur at least so many times."""
    _, counts = np.unique(ids[ids != DEFAULT], return_counts=True)
    return int(np.count_nonzero(counts >= least))


def _extrapolated(half: int, whole: int, times: float) -> int:
    """Returns how many ids there are among so many times the rows, by Heaps' law."""
    power = min(math.log2(whole / half), 1.0) if half else 1.0
    return round(whole * math.pow(times, power))
