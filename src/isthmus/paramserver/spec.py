"""The tables of a job file that describe the parameter server."""

import re
from typing import Annotated, Literal

from msgspec import Meta

from isthmus.core.spec import Spec

Rate = Annotated[float, Meta(gt=0, le=100, description="learning rate")]
Decay = Annotated[float, Meta(ge=0, lt=1)]


class OptimizerSpec(Spec, frozen=True, tag_field="kind"):
    """Base class of the optimizers."""


class Sgd(OptimizerSpec, frozen=True, tag="sgd"):
    """Stochastic gradient descent: no state."""

    rate: Rate = 0.05


class Adagrad(OptimizerSpec, frozen=True, tag="adagrad"):
    """Adagrad: a sum of squared gradients for every number."""

    rate: Rate = 0.05
    initial: Annotated[float, Meta(ge=0, description="first value of the sums of squares")] = 1e-4


class RowwiseAdagrad(OptimizerSpec, frozen=True, tag="rowwise_adagrad"):
    """Adagrad with one sum of squared gradients for a whole row: the mean over its numbers."""

    rate: Rate = 0.05
    initial: Annotated[float, Meta(ge=0, description="first value of the sums of squares")] = 1e-4


class Adam(OptimizerSpec, frozen=True, tag="adam"):
    """Adam; a row that a batch does not touch keeps its moments as they are (lazy Adam)."""

    rate: Rate = 1e-3
    first_decay: Annotated[Decay, Meta(description="of the mean of gradients")] = 0.9
    second_decay: Annotated[Decay, Meta(description="of the mean of squared gradients")] = 0.999


class Ftrl(OptimizerSpec, frozen=True, tag="ftrl"):
    """FTRL-Proximal (McMahan et al. 2013, algorithm 1)."""

    rate: Rate = 0.05
    beta: Annotated[float, Meta(ge=0, description="more: smaller first steps")] = 1.0
    l1: Annotated[float, Meta(ge=0, description="sets small weights to exactly 0")] = 0.0
    l2: Annotated[float, Meta(ge=0, description="pulls weights towards 0")] = 0.0


Optimizer = Sgd | Adagrad | RowwiseAdagrad | Adam | Ftrl

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(KiB|MiB|GiB|TiB)")
_UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}

Memory = Annotated[
    str, Meta(pattern=rf"^{_SIZE.pattern}\Z", description='a size such as "512 MiB" or "2 GiB"')
]


def in_bytes(memory: str) -> int:
    """Convert a size such as "2 GiB".

    Args:
        memory: A number and a unit.

    Returns:
        Bytes.

    Raises:
        ValueError: It is no such size.
    """
    found = _SIZE.fullmatch(memory)
    if found is None:
        raise ValueError(f"{memory!r} is no size such as 2 GiB")
    return int(float(found[1]) * _UNITS[found[2]])


class Cluster(Spec, frozen=True):
    """A Ray cluster that runs already; without this table Ray is started on this machine."""

    address: Annotated[str, Meta(description="host:port of its head")]
    token: Annotated[str, Meta(description="file with its token, relative to the job file")]
    line: Annotated[
        Literal["tls", "not_encrypted"],
        Meta(
            description="tls: RAY_USE_TLS and its certificates are set for all its processes; "
            "not_encrypted: rows, gradients and the token cross its network in the clear"
        ),
    ]


class Server(Spec, frozen=True):
    """The parameter server: where rows lie, who trains, and when they exchange."""

    engine: Annotated[
        Literal["local", "ray"],
        Meta(description="local: one process; ray: shards and trainers are processes of Ray"),
    ] = "local"
    shards: Annotated[
        int, Meta(ge=1, le=1024, description="parts of the external server, by hash of the id")
    ] = 1
    workers: Annotated[
        int, Meta(ge=1, le=1024, description="trainers; each trains windows of its own")
    ] = 1
    threads: Annotated[int, Meta(ge=1, le=256, description="threads of PyTorch, per worker")] = 1
    device: Annotated[
        Literal["cpu", "cuda"], Meta(description="where workers compute gradients")
    ] = "cpu"
    exchange_every: Annotated[
        int,
        Meta(
            ge=1,
            le=2**31 - 1,
            description="samples that a worker trains on before its built-in server exchanges with "
            "the external one",
        ),
    ] = 16_384
    staleness: Annotated[
        int,
        Meta(
            ge=0,
            le=8,
            description="windows that a worker may train ahead of the exchange; 0: training waits",
        ),
    ] = 1
    merge: Annotated[
        Literal["touch_mean", "touch_root", "mean", "sum"],
        Meta(
            description="changes of a row by several workers are divided by those that changed it, "
            "by the root of their number, by all workers, or added up"
        ),
    ] = "touch_mean"
    rows: Annotated[Optimizer, Meta(description="optimizer of the rows")] = RowwiseAdagrad()
    dense: Annotated[Optimizer, Meta(description="optimizer of the layers")] = Adam()
    memory: Annotated[
        Memory | None,
        Meta(description="memory of a shard; rows beyond it lie on disk. None: no bound"),
    ] = None
    snapshot_every: Annotated[
        int,
        Meta(
            ge=1, le=2**62, description="samples between two snapshots, rounded up to an exchange"
        ),
    ] = 1_000_000
    full_every: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="snapshots from one whole one to the next; the others hold what changed",
        ),
    ] = 10
    cluster: Cluster | None = None
