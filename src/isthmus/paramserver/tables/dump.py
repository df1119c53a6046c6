"""The contents of a table as arrays: what snapshots and exports hold."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isthmus.paramserver.tables.kernels.hashing import shard_of
from isthmus.paramserver.window import Float32s, Int32s, Int64s, Keys


@dataclass(frozen=True)
class Seen:
    """What a table knows of keys besides their rows; all arrays have shape (keys,)."""

    keys: Keys
    counts: Int64s
    """Samples with the key."""

    scores: Float32s
    """Samples with the key, each halved every half-life, as of `last`; 0 without such a rule."""

    last: Int64s
    """Samples of the run when the key was pulled last."""

    changed: Int32s
    """Mark of the last change."""

    def take(self, chosen: NDArray[Any]) -> "Seen":
        """Returns the entries at these positions, or where a mask is true."""
        return Seen(
            self.keys.take(chosen),
            self.counts[chosen],
            self.scores[chosen],
            self.last[chosen],
            self.changed[chosen],
        )


@dataclass(frozen=True)
class Dump:
    """All of a table, or what has changed in it."""

    seen: Seen
    """Keys with a row."""

    rows: Float32s
    """Shape (keys, width)."""

    waiting: Seen
    """Keys that are counted, but not yet admitted."""

    evicted: Keys
    """Keys that were given up. Some of them may have a row again."""

    evicted_at: Int32s
    """With which mark, shape (evicted,)."""

    @property
    def keys(self) -> Keys:
        """Keys with a row."""
        return self.seen.keys

    def of_shard(self, number: int, shards: int) -> "Dump":
        """Returns the part that lies on one shard."""
        here = shard_of(self.seen.keys, shards) == number
        gone = shard_of(self.evicted, shards) == number
        return Dump(
            self.seen.take(here),
            self.rows[here],
            self.waiting.take(shard_of(self.waiting.keys, shards) == number),
            self.evicted.take(gone),
            self.evicted_at[gone],
        )

    def in_order(self) -> "Dump":
        """Returns the same with keys with a row sorted by feature and id."""
        order = np.lexsort((self.seen.keys.id, self.seen.keys.feature))
        return replace(self, seen=self.seen.take(order), rows=self.rows[order])

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Returns all arrays by name, as files hold them."""
        return {
            **_named("", self.seen),
            "rows": self.rows,
            **_named("waiting_", self.waiting),
            "evicted_feature": self.evicted.feature,
            "evicted_id": self.evicted.id,
            "evicted_at": self.evicted_at,
        }

    @staticmethod
    def of(arrays: Mapping[str, NDArray[Any]]) -> "Dump":
        """Returns the dump of which `arrays` gave these."""
        return Dump(
            _seen("", arrays),
            arrays["rows"],
            _seen("waiting_", arrays),
            Keys(arrays["evicted_feature"], arrays["evicted_id"]),
            arrays["evicted_at"],
        )


def _named(prefix: str, seen: Seen) -> dict[str, NDArray[Any]]:
    return {
        f"{prefix}feature": seen.keys.feature,
        f"{prefix}id": seen.keys.id,
        f"{prefix}counts": seen.counts,
        f"{prefix}scores": seen.scores,
        f"{prefix}last": seen.last,
        f"{prefix}changed": seen.changed,
    }


def _seen(prefix: str, arrays: Mapping[str, NDArray[Any]]) -> Seen:
    return Seen(
        Keys(arrays[f"{prefix}feature"], arrays[f"{prefix}id"]),
        arrays[f"{prefix}counts"],
        arrays[f"{prefix}scores"],
        arrays[f"{prefix}last"],
        arrays[f"{prefix}changed"],
    )
