"""One shard, or one worker, in a process of its own. Both know nothing of Ray.

They are made from text and paths, and all that passes afterwards is arrays, numbers and JSON.
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from isthmus.paramserver.distributed import packing
from isthmus.paramserver.distributed.packing import Packed
from isthmus.paramserver.engine import Plan
from isthmus.paramserver.shards.shard import Shard
from isthmus.paramserver.shards.shard_state import remove_state
from isthmus.paramserver.tiers import builtin
from isthmus.paramserver.window import Float32s, Trainer

_DONE = b""


@dataclass(frozen=True)
class Recipe:
    """How a worker makes its trainer."""

    maker: str
    """A function of a path that returns a `Trainer`: its module, a colon, and its name."""

    path: Path
    """What it is called with; every process of the run can read it."""

    batch: str
    """Class of the batches, such as "isthmus.multitask.samples:TaskBatch"."""


class ShardActor:
    """A `Shard`. A method that returns several things returns a tuple of them, its answer last."""

    def __init__(self, plan: bytes, number: int) -> None:
        self._made_from = plan, number

    def ready(self) -> bytes:
        """Make the shard: an error of a method tells more than one of a constructor."""
        plan, number = self._made_from
        self._shard = Shard(plan_of(plan), number)
        return _DONE

    def begin(self, dense: Float32s, snapshots: Sequence[str]) -> bytes:
        """As in `Shard`."""
        self._shard.begin(np.array(dense), [Path(each) for each in snapshots])
        return _DONE

    def exchange(
        self, number: int, clock: int, pulls: Sequence[Packed], *pushes: Packed
    ) -> Packed | bytes:
        """As in `Shard`; returns the rows of each pull."""
        answer = self._shard.exchange(
            number,
            [packing.push(each) for each in pushes],
            [packing.pull(each) for each in pulls],
            clock,
        )
        return (*packing.pack(answer), _DONE) if pulls else _DONE

    def evict(self, clock: int) -> bytes:
        """As in `Shard`."""
        return msgspec.msgpack.encode(self._shard.evict(clock))

    def copy(self, version: int, whole: bool) -> bytes:  # noqa: FBT001 - by position
        """As in `Shard`."""
        self._shard.copy(version, whole=whole)
        return _DONE

    def write(self, version: int, folder: str) -> bytes:
        """As in `Shard`; the process before this one may have died of it."""
        remove_state(Path(folder), self._made_from[1])
        return msgspec.msgpack.encode(self._shard.write(version, Path(folder)))

    def facts(self) -> bytes:
        """As in `Shard`."""
        return msgspec.msgpack.encode(self._shard.facts())

    def ping(self) -> bytes:
        """Returns at once."""
        return _DONE


class WorkerActor:
    """A worker."""

    def __init__(self, plan: bytes, maker: str, path: str, batch: str) -> None:
        self._made_from = plan, maker, path, batch

    def ready(self) -> bytes:
        """Make the trainer."""
        plan, maker, path, batch = self._made_from
        self._plan = plan_of(plan)
        self._trainer: Trainer = _named(maker)(Path(path))
        self._batch = _named(batch)
        return _DONE

    def train(self, window: Packed, carried: int, *parts: Packed) -> tuple[Packed, ...]:
        """Train on a window.

        Args:
            window: The window.
            carried: Number of windows that the rows do not contain yet.
            *parts: The rows of each shard, then for each of those windows the push for each shard.

        Returns:
            The push for each shard, and the report.
        """
        shards = len(parts) // (carried + 1)
        pushes, report = builtin.train_window(
            self._trainer,
            self._plan,
            packing.window(window, self._batch),
            [packing.rows(each) for each in parts[:shards]],
            [
                [packing.push(each) for each in parts[start : start + shards]]
                for start in range(shards, len(parts), shards)
            ],
        )
        return (*packing.pack(pushes), msgspec.msgpack.encode(report))

    def ping(self) -> bytes:
        """Returns at once."""
        return _DONE


def text_of(plan: Plan) -> bytes:
    """Returns a plan as JSON."""
    return msgspec.json.encode(plan, enc_hook=str)


def plan_of(text: bytes) -> Plan:
    """Returns the plan that `text_of` wrote."""
    return msgspec.json.decode(text, type=Plan, dec_hook=lambda kind, value: kind(value))


def _named(name: str) -> Any:
    """Returns what a name such as "package.module:function" names."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)
