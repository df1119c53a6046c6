"""Rows of several parties for tests of boosting, and the parties that play on them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.encryption import Encryption, Engine
from isthmus.data.table import Table
from isthmus.transport.channel import Channel
from isthmus.transport.framing import FramedChannel
from isthmus.vertical.boosting.active import Trained, active
from isthmus.vertical.boosting.inputs import Randomness, Rows
from isthmus.vertical.boosting.memory import ActiveMemory, PassiveMemory
from isthmus.vertical.boosting.model import Part
from isthmus.vertical.boosting.passive import passive
from isthmus.vertical.boosting.spec import Boosting
from tests.roles import Hub, Play, Role, gather

RANDOMNESS = Randomness(seed=5, job="digest of the job")

CLINIC = (0, 1)
INSURER = (2, 3, 4)
PHARMACY = (5, 6)
CATEGORICAL = frozenset({4, 6})

Tamper = Callable[[FramedChannel], Channel]


def a_spec(**changes: Any) -> Boosting:
    """A job that is learnt in a second."""
    usual: dict[str, Any] = {
        "trees": 2,
        "bins": 8,
        "minimum_bin_rows": 3,
        "block_rows": 128,
        "encryption": Encryption(key_bits=2048),
    }
    return Boosting(**(usual | changes))


@dataclass(frozen=True)
class Data:
    """Rows of all parties: numbers, flags, gaps and categories."""

    x: Floats
    label: Floats
    train: int
    weight: Floats | None = None

    def rows(
        self,
        columns: Sequence[int],
        monotone: Mapping[str, int] | None = None,
        *,
        label: bool = False,
    ) -> Rows:
        """One party's rows."""
        chosen = list(columns)
        table = Table(
            identifiers=[b"ada-lovelace-%d" % row for row in range(len(self.x))],
            features=self.x[:, chosen],
            names=tuple(f"column-of-{at}" for at in chosen),
            label=self.label if label else None,
            weight=self.weight if label else None,
            categories={f"column-of-{at}": tuple("abcdef") for at in chosen if at in CATEGORICAL},
        )
        everybody = np.arange(len(self.x))
        train, test = everybody[: self.train], everybody[self.train :]
        return Rows(table.take(train), table.take(test), monotone or {})


def a_data(objective: str = "binary", train: int = 300, test: int = 60) -> Data:
    """Rows whose label depends on columns of every party."""
    chance = np.random.default_rng(11)
    x = chance.normal(size=(train + test, 7))
    x[:, 1] = np.round(2 * x[:, 1])
    x[:, sorted(CATEGORICAL)] = chance.integers(0, 6, (len(x), 2))
    for column, share in {2: 0.15, 4: 0.05}.items():
        x[chance.random(len(x)) < share, column] = np.nan
    known = np.nan_to_num(x)
    signal = known @ [1.0, 0.3, 1.0, -0.7, 0.0, 0.5, 0.0] - 0.5
    signal += 1.5 * np.isin(x[:, 4], (1, 5)) - (x[:, 6] == 2)
    return Data(x, _label(objective, signal, chance), train)


def _label(objective: str, signal: Floats, chance: np.random.Generator) -> Floats:
    noisy = signal + chance.normal(size=len(signal))
    match objective:
        case "binary":
            return (noisy > 0).astype(float)
        case "multiclass":
            return np.digitize(noisy, (-1.0, 1.0)).astype(float)
        case "poisson" | "tweedie":
            return chance.poisson(np.exp(signal / 3)).astype(float)
        case _:
            return noisy


@dataclass
class Run:
    """Who trains on what."""

    spec: Boosting
    data: Data
    parties: Mapping[str, Sequence[int]] = field(default_factory=lambda: {"insurer": INSURER})
    """Columns of each passive party."""

    clinic: Sequence[int] = CLINIC
    """Columns of the active party, whose name is hub."""

    monotone: Mapping[str, int] = field(default_factory=dict[str, int])
    """Constraints of the active party."""

    kept: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Memories by party."""

    tampered: Mapping[str, Tamper] = field(default_factory=dict[str, Tamper])
    """What to put around the lines of a party."""

    workers: int | None = None

    engines: Mapping[str, Engine] = field(default_factory=dict[str, Engine])
    """What a party asks for, if not the fastest."""

    def rows(self) -> list[Rows]:
        """Rows of all parties, the active one first."""
        others = [self.data.rows(self.parties[party]) for party in sorted(self.parties)]
        return [self._labelled(), *others]

    def hub(self) -> Hub:
        """The active party."""
        memory = self.kept.get("hub", ActiveMemory())
        wrap = self.tampered.get("hub", _untouched)

        def role(lines: Mapping[str, FramedChannel]) -> Trained:
            passives = {party: wrap(line) for party, line in lines.items()}
            engine: Engine = self.engines.get("hub", "auto")
            return active(
                passives,
                self._labelled(),
                self.spec,
                RANDOMNESS,
                Telemetry(),
                memory,
                engine=engine,
                workers=self.workers,
            )

        return role

    def other(self, party: str) -> Role:
        """A passive party."""
        memory = self.kept.get(party, PassiveMemory())
        wrap = self.tampered.get(party, _untouched)

        def role(line: FramedChannel) -> Part:
            engine: Engine = self.engines.get(party, "auto")
            return passive(
                wrap(line),
                self.data.rows(self.parties[party]),
                self.spec,
                RANDOMNESS,
                Telemetry(),
                memory,
                engine=engine,
                workers=self.workers,
            )

        return role

    def play(self) -> Play:
        """All of them together."""
        return gather(self.hub(), {party: self.other(party) for party in self.parties})

    def _labelled(self) -> Rows:
        return self.data.rows(self.clinic, self.monotone, label=True)


def _untouched(line: FramedChannel) -> Channel:
    return line


def sent(outcome: Play, line: str) -> list[dict[str, Any]]:
    """All messages that were sent on a line, as they were encoded."""
    return [msgspec.msgpack.decode(data) for data in outcome.sent[line]]
