"""Small vertical regressions in tests: a table of all columns, and parties that hold them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.telemetry import Sink, Telemetry, silent
from isthmus.crypto import certificates
from isthmus.crypto.encryption import RegressionEncryption
from isthmus.crypto.identity import Identity
from isthmus.data.table import Table
from isthmus.transport.channel import Channel
from isthmus.vertical.regression import levels
from isthmus.vertical.regression.memory import Memory
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.system import RoleContext
from tests.identities import keys_of
from tests.roles import Play, gather

ACTIVE = "clinic"

Line = Callable[[Channel], Channel]
"""Puts something into the line to a party."""


@dataclass(frozen=True)
class Split:
    """A table of all columns, of which each party holds some."""

    table: Table
    columns: Mapping[str, Sequence[int]]
    """Of each party by name; the clinic, which has the labels, comes first."""

    train: int
    """Rows to train on; the others are scored."""

    @property
    def passives(self) -> list[str]:
        """Names of the passive parties."""
        return [name for name in self.columns if name != ACTIVE]

    def own(self, party: str) -> Table:
        """What a party holds."""
        at = list(self.columns[party])
        names = tuple(self.table.names[column] for column in at)
        label = self.table.label if party == ACTIVE else None
        weight = self.table.weight if party == ACTIVE else None
        offset = self.table.offset if party == ACTIVE else None
        return Table(
            self.table.identifiers,
            np.ascontiguousarray(self.table.features[:, at]),
            names,
            label,
            weight=weight,
            offset=offset,
        )

    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Training rows and test rows."""
        every = np.arange(len(self.table))
        return every[: self.train], every[self.train :]

    @property
    def training(self) -> Table:
        """The training rows of all columns."""
        return self.table.take(self.rows()[0])

    @property
    def test(self) -> Table:
        """The test rows of all columns."""
        return self.table.take(self.rows()[1])


@dataclass
class Members:
    """What parties bring to a training beside their columns."""

    memories: Mapping[str, Memory] = field(default_factory=dict)
    watch: Mapping[str, Sink] = field(default_factory=dict)
    lines: Mapping[str, Line] = field(default_factory=dict)
    workers: Mapping[str, int] = field(default_factory=dict)
    minimum_column_rows: int = 1


def identity(party: str, passives: Sequence[str], job: str = "0" * 64) -> Identity | None:
    """Who a passive party is to the others, if there are any."""
    if len(passives) == 1 or party == ACTIVE:
        return None
    known = {it: certificates.fingerprint(keys_of(it)[0]) for it in passives}
    return Identity.of(party, job, *keys_of(party), known)


def _as_it_is(line: Channel) -> Channel:
    return line


def context(
    split: Split, party: str, lines: Mapping[str, Channel], members: Members
) -> RoleContext:
    """The inputs of a role."""
    ours = split.own(party)
    train, test = split.rows()
    wrap = members.lines.get(party, _as_it_is)
    return RoleContext(
        role="active" if party == ACTIVE else "passive",
        peers={name: wrap(line) for name, line in lines.items()},
        train=ours.take(train),
        test=ours.take(test),
        telemetry=Telemetry(members.watch.get(party, silent)),
        checkpoint=Path("checkpoint"),
        job="0" * 64,
        seed=7,
        party=party,
        minimum_column_rows=members.minimum_column_rows,
        identity=identity(party, split.passives),
        workers=members.workers.get(party, 1),
    )


def train(
    spec: Regression,
    split: Split,
    members: Members | None = None,
    patience: float = 60.0,
    roles: Mapping[str, Callable[[Any], Any]] = MappingProxyType({}),
) -> Play:
    """Train in all roles, as threads. What a role returns is under its name; the clinic is `hub`.

    A party of `roles` plays that role instead, on the one line of two parties.
    """
    members = members or Members()
    level = levels.of(spec)

    def memory(party: str) -> Memory:
        return members.memories[party] if party in members.memories else Memory()  # may be empty

    def active(lines: Mapping[str, Channel]) -> Any:
        return level.active(spec, context(split, ACTIVE, lines, members), memory(ACTIVE))

    def passive(party: str) -> Callable[[Channel], Any]:
        def role(line: Channel) -> Any:
            ours = context(split, party, {ACTIVE: line}, members)
            return level.passive(spec, ours, memory(party))

        return role

    def instead(lines: Mapping[str, Channel]) -> Any:
        (line,) = lines.values()
        return roles[ACTIVE](line)

    others = {party: roles.get(party, passive(party)) for party in split.passives}
    return gather(instead if ACTIVE in roles else active, others, patience)


def coefficients(outcome: Play, split: Split) -> Floats:
    """Coefficients of all columns, in the order of the parties."""
    parts = [outcome.returned["hub"].part, *(outcome.returned[it].part for it in split.passives)]
    return np.concatenate([part.coefficients for part in parts])


def a_spec(**changes: Any) -> Regression:
    """A job with little penalty that refuses little."""
    settled: dict[str, Any] = {
        "penalty": 1e-3,
        "label_exposure": 1.0,
        "block_rows": 128,
        "passive_columns": 2,
        "encryption": RegressionEncryption(scheme="okamoto-uchiyama", key_bits=2048),
    } | changes
    return Regression(**settled)


def bfv() -> RegressionEncryption:
    """The scheme of whole vectors."""
    return RegressionEncryption(scheme="bfv")
