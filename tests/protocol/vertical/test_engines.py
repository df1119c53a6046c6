"""Parties that compute with different engines train one regression, to the last bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isthmus.core.telemetry import Telemetry
from isthmus.crypto import keys
from isthmus.crypto.encryption import Engine, RegressionEncryption
from isthmus.data.table import Table
from isthmus.vertical.regression import system
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.system import Outcome, RoleContext
from tests.roles import Role, run_together

TRAIN = np.arange(240)
MIXED: list[tuple[Engine, Engine]] = [("kernel", "gmpy2"), ("gmpy2", "kernel")]


pytestmark = pytest.mark.skipif(
    keys.running("okamoto-uchiyama", "auto") != "kernel",
    reason="the kernel does not run on this machine",
)


def table() -> Table:
    """Rows of both parties in one place; the active one has the first two columns."""
    random = np.random.default_rng(3)
    x = random.normal(size=(len(TRAIN) + 60, 4))
    label = (random.random(len(x)) < 1 / (1 + np.exp(-x.sum(axis=1)))).astype(float)
    return Table([b"%d" % row for row in range(len(x))], x, ("a", "b", "c", "d"), label)


def role(name: str, engine: Engine, folder: Path) -> Role:
    every, active = table(), name == "active"
    which, label = (slice(0, 2), every.label) if active else (slice(2, 4), None)
    ours = Table(every.identifiers, every.features[:, which], every.names[which], label)
    spec = Regression(
        passive_columns=2,
        label_exposure=0.5,
        max_rounds=3,
        encryption=RegressionEncryption(scheme="okamoto-uchiyama", key_bits=2048),
    )

    def play(line: Any) -> Outcome:
        context = RoleContext(
            role=name,
            peers={"other": line},
            train=ours.take(TRAIN),
            test=ours.take(np.arange(len(TRAIN), len(ours))),
            telemetry=Telemetry(),
            checkpoint=folder / name,
            job="ab",
            seed=7,
            engine=engine,
        )
        return system.play(spec, context)

    return play


def regression(active: Engine, passive: Engine, folder: Path) -> list[bytes]:
    """Predictions and the course of training, bit by bit."""
    folder.mkdir()
    outcome: Outcome = run_together(
        active=role("active", active, folder), passive=role("passive", passive, folder)
    )["active"]
    losses = np.array([at["loss"] for at in outcome.curve])
    return [outcome.found.arrays["predictions"].tobytes(), losses.tobytes()]


@pytest.mark.parametrize(("active", "passive"), MIXED)
def test_regression(active: Engine, passive: Engine, tmp_path: Path) -> None:
    alike = regression("gmpy2", "gmpy2", tmp_path / "alike")
    assert regression(active, passive, tmp_path / "mixed") == alike
