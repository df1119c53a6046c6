"""The `[multitask]` table of a job."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from isthmus.core.errors import SpecError
from isthmus.core.spec import Spec
from isthmus.data.spec import Finite
from isthmus.paramserver.spec import Server

Samples = Annotated[int, Meta(ge=1, le=2**62)]
Units = Annotated[int, Meta(ge=1, le=65_536)]
Name = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9_]{0,30}\Z",
        description="a name of a-z, 0-9 and _ that begins with a letter, at most 31 long",
    ),
]


class Eviction(Spec, frozen=True):
    """When the row of an id is given up; a later sample with the id begins a new one."""

    after: Annotated[
        Samples | None, Meta(description="samples of the run since the id was last seen")
    ] = None
    minimum_score: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="least score; each sample with the id adds 1 to its score"),
    ] = None
    half_life: Annotated[Samples, Meta(description="samples in which a score halves")] = 10_000_000


class SparseFeature(Spec, frozen=True, tag_field="kind"):
    """Base class of features whose ids have rows in the table."""

    many: Annotated[
        Literal["sum", "mean"] | None,
        Meta(
            description="what becomes of the rows of a cell with several ids: a list column of a "
            "Parquet file, or text parted by `separator`. None: a cell holds one id"
        ),
    ] = None
    separator: Annotated[
        str, Meta(min_length=1, max_length=1, description="what parts the ids of a cell of text")
    ] = "|"
    admit_after: Annotated[
        int,
        Meta(ge=1, le=2**31 - 1, description="samples with an id until it gets a row of its own"),
    ] = 1
    evict: Eviction = Eviction()


class Identifier(SparseFeature, frozen=True, tag="id"):
    """A column of whole numbers, 0 or more, that are ids."""


class Hashed(SparseFeature, frozen=True, tag="hash"):
    """A column of text or whole numbers; the hash of a value is its id."""

    buckets: Annotated[
        Annotated[int, Meta(ge=1, le=2**62)] | None,
        Meta(description="most ids; none: 63 bits, practically unique"),
    ] = None


class Vocabulary(SparseFeature, frozen=True, kw_only=True, tag="vocabulary"):
    """A column of values that are all known; others share the default row."""

    values: Annotated[
        tuple[str, ...],
        Meta(min_length=1, max_length=1_000_000, description="all values that have a row"),
    ]


class Bucketed(SparseFeature, frozen=True, kw_only=True, tag="buckets"):
    """A column of amounts; the id is the number of boundaries that are not above the amount."""

    boundaries: Annotated[
        tuple[Finite, ...],
        Meta(min_length=1, max_length=100_000, description="amounts that begin a bucket, rising"),
    ]


class Amount(Spec, frozen=True, tag_field="kind", tag="number"):
    """A column of amounts that goes into the layers as it is, scaled."""

    scale: Annotated[
        Literal["none", "log"], Meta(description="log: the sign times log(1 + the magnitude)")
    ] = "none"
    mean: Annotated[Finite, Meta(description="taken off after that")] = 0.0
    deviation: Annotated[float, Meta(gt=0, description="and divided by this")] = 1.0
    missing: Annotated[Finite, Meta(description="in place of an empty cell")] = 0.0


Feature = Identifier | Hashed | Vocabulary | Bucketed | Amount


class Conversions(Spec, frozen=True):
    """Positive labels that come later than their sample, in a data set of their own."""

    dataset: Annotated[str, Meta(description="name of the data set: one row per conversion")]
    key: Annotated[str, Meta(description="column of both data sets that names a sample")]
    time: Annotated[
        str, Meta(description="column of both data sets: seconds or timestamps, rising")
    ]
    within_hours: Annotated[
        float, Meta(gt=0, le=24 * 3650, description="a sample without one by then is negative")
    ]
    until_then: Annotated[
        Literal["wait", "fake_negative"],
        Meta(
            description="wait: the label is kept back until it is known, all other labels are "
            "trained on at once; fake_negative: the sample is trained on as a negative, and again "
            "as a positive once it converts, both with importance weights (Ktena et al. 2019)"
        ),
    ] = "wait"


class Task(Spec, frozen=True):
    """One label to predict."""

    label: Annotated[str, Meta(description="column of 0 and 1; an empty cell is a missing label")]
    given: Annotated[
        Name | None,
        Meta(
            description="a task that comes before: this label counts only where that one is 1, "
            "as a conversion after a click"
        ),
    ] = None
    weight: Annotated[
        float, Meta(gt=0, le=1e6, description="of its loss, if `balance` is fixed")
    ] = 1.0
    known: Annotated[
        str | None,
        Meta(description="column of the test rows with the true probability, to compare with"),
    ] = None
    conversions: Conversions | None = None


class Queues(Spec, frozen=True):
    """When the queue of a task is full."""

    threshold: Annotated[
        Literal["label_rate", "fixed"],
        Meta(
            description="fixed: `batch_rows` samples; label_rate: that times the share of samples "
            "that go into the queue, relative to the queue with the most"
        ),
    ] = "label_rate"
    longest_wait: Annotated[
        Samples, Meta(description="samples read until a queue is trained on though it is not full")
    ] = 1_000_000
    most_waiting: Annotated[
        Samples,
        Meta(description="most samples that wait for a late label; the oldest are left out"),
    ] = 10_000_000
    joint_when_complete: Annotated[
        bool,
        Meta(
            description="samples with all labels train every tower in one pass; false: S5 literally"
        ),
    ] = True


class Multitask(Spec, frozen=True):
    """The `[multitask]` table of a job: predicts one or more labels from sparse features."""

    features: Annotated[
        dict[str, Feature],
        Meta(min_length=1, max_length=10_000, description="by name of the column"),
    ]
    tasks: Annotated[
        dict[Name, Task], Meta(min_length=1, max_length=64, description="what to predict, by name")
    ]
    dimension: Annotated[int, Meta(ge=1, le=4096, description="numbers of the vector of an id")] = (
        16
    )
    model: Annotated[
        Literal["mlp", "deepfm", "dcn"],
        Meta(
            description="layers over the vectors; with a factorization machine beside them; with "
            "cross layers below them (DCN-v2)"
        ),
    ] = "deepfm"
    hidden: Annotated[
        tuple[Units, ...],
        Meta(max_length=16, description="units of each shared layer, or of an expert's"),
    ] = (128, 64)
    cross_layers: Annotated[int, Meta(ge=1, le=16, description="cross layers of dcn")] = 2
    sharing: Annotated[
        Literal["bottom", "mmoe", "ple"],
        Meta(
            description="what tasks share: the layers below their towers; a mixture of experts; "
            "experts in common beside experts of their own"
        ),
    ] = "bottom"
    experts: Annotated[int, Meta(ge=1, le=256, description="shared experts of mmoe and ple")] = 4
    own_experts: Annotated[int, Meta(ge=1, le=256, description="experts of each task, of ple")] = 2
    tower: Annotated[
        tuple[Units, ...], Meta(max_length=16, description="units of each layer of a task's own")
    ] = (32,)
    entire_space: Annotated[
        bool,
        Meta(
            description="tasks with `given` learn from all samples: their probability times that "
            "of the task before is fitted to both labels (ESMM)"
        ),
    ] = False
    balance: Annotated[
        Literal["fixed", "uncertainty", "pcgrad"],
        Meta(
            description="of the losses of a pass over several tasks: their weights; learned "
            "uncertainties (Kendall et al. 2018); conflicting gradients projected (Yu et al. 2020)"
        ),
    ] = "fixed"
    negatives: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            description="share of the samples without any positive label that are trained on; "
            "predictions are corrected for it",
        ),
    ] = 1.0
    batch_rows: Annotated[
        int, Meta(ge=1, le=1_000_000, description="samples of a training step")
    ] = 1024
    epochs: Annotated[int, Meta(ge=1, le=10_000, description="passes over the samples")] = 1
    compare_rows: Annotated[
        int,
        Meta(
            ge=0,
            le=100_000_000,
            description="training rows, from the last, of boosted trees to compare with",
        ),
    ] = 1_000_000
    queues: Queues = Queues()
    server: Server = Server()


def sparse_features(spec: Multitask) -> Mapping[str, SparseFeature]:
    """Returns the features whose ids have rows, by name; their numbers are their positions."""
    return {
        name: feature for name, feature in spec.features.items() if not isinstance(feature, Amount)
    }


def given(spec: Multitask) -> list[tuple[int, int | None]]:
    """Order tasks so that each comes after the one that is given to it.

    Args:
        spec: The `[multitask]` table.

    Returns:
        Number of each task, with that of its `given`.

    Raises:
        SpecError: `given` names no task, or tasks are given to each other in a circle.
    """
    numbers = {name: number for number, name in enumerate(spec.tasks)}
    found = list[tuple[int, int | None]]()
    waiting = dict(spec.tasks)
    while waiting:
        ready = [
            name
            for name, task in waiting.items()
            if task.given is None or task.given not in waiting
        ]
        if not ready:
            raise SpecError(
                f"tasks are `given` to each other in a circle: {', '.join(waiting)}. One of them "
                "must come first."
            )
        for name in ready:
            before = waiting.pop(name).given
            if before is not None and before not in numbers:
                raise SpecError(
                    f"`tasks.{name}.given` is {before!r}, which is no task. Tasks are: "
                    f"{', '.join(spec.tasks)}."
                )
            found.append((numbers[name], None if before is None else numbers[before]))
    return found
