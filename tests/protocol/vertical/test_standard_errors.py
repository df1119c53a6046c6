"""Standard errors at the active party, which sees no column of the others."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.data.table import Table
from isthmus.vertical.regression import clear, families, scaling
from isthmus.vertical.regression.coefficients import standard_errors
from isthmus.vertical.regression.memory import Memory
from isthmus.vertical.regression.objective import Loss
from isthmus.vertical.regression.spec import Regression
from tests.regressions import ACTIVE, Members, Split, a_spec, bfv, train
from tests.roles import Play

ROWS = 400
TWO = {"clinic": (0, 1), "insurer": (2, 3, 4)}
THREE = {"clinic": (0, 1), "insurer": (2,), "bank": (3, 4)}


def split(parties: Mapping[str, Sequence[int]]) -> Split:
    generator = np.random.default_rng(3)
    x = generator.normal(size=(ROWS, 5)) + generator.normal(size=(ROWS, 1))
    signal = x @ [0.5, -0.3, 0.4, -0.2, 0.1]
    label = (generator.random(ROWS) < 1 / (1 + np.exp(-signal))).astype(float)
    identifiers = [b"%d" % row for row in range(ROWS)]
    return Split(Table(identifiers, x, tuple("abcde"), label), parties, 320)


def spec_of(parties: Mapping[str, Sequence[int]], **changes: object) -> Regression:
    columns = {name: len(at) for name, at in parties.items() if name != ACTIVE}
    return a_spec(**{"passive_columns": columns, "encryption": bfv(), "penalty": 1e-6} | changes)


def errors_of(outcome: Play) -> Floats:
    return np.array([column.error for column in outcome.returned["hub"].part.columns])


def played(spec: Regression, data: Split, members: Members | None = None) -> Play:
    outcome = train(spec, data, members)
    for error in outcome.raised.values():
        raise error
    return outcome


def in_one_place(spec: Regression, data: Split) -> Floats:
    x = scaling.fit(data.training)(data.training.features)
    label = scaling.label(data.training, spec)
    found = clear.fit([x], label, spec, 1e-8, 1_000)
    whole = np.column_stack([x, np.ones(len(x))])
    loss = Loss(families.likelihood(spec), label)
    errors = standard_errors(loss, found.predictor, whole, np.empty((len(x), 0)), 0)
    assert errors is not None
    return errors.values[:2]


class TestStandardErrors:
    @pytest.mark.parametrize("parties", [TWO, THREE], ids=["two parties", "three parties"])
    def test_are_those_of_all_columns_in_one_place(
        self, parties: Mapping[str, Sequence[int]]
    ) -> None:
        data, spec = split(parties), spec_of(parties)
        outcome = played(spec, data)
        assert outcome.returned["hub"].part.errors == "joint"
        assert errors_of(outcome) == pytest.approx(in_one_place(spec, data), rel=1e-3)
        for passive in data.passives:
            part = outcome.returned[passive].part
            assert (part.errors, part.columns[0].error) == ("", None)

    def test_are_bounds_where_training_ends_before_they_are_known(self) -> None:
        data, spec = split(TWO), spec_of(TWO, tolerance=0.05)
        outcome = played(spec, data)
        assert len(outcome.returned["hub"].rounds) <= 3
        assert outcome.returned["hub"].part.errors == "bound"
        assert (errors_of(outcome) <= in_one_place(spec, data) * 1.01).all()

    @pytest.mark.parametrize("changes", [{"l1_ratio": 1.0, "penalty": 0.01}, {"max_rounds": 2}])
    def test_are_none_with_l1_or_before_the_end(self, changes: dict[str, float]) -> None:
        outcome = played(spec_of(TWO, **changes), split(TWO))
        assert outcome.returned["hub"].part.errors == ""

    def test_are_the_same_after_a_stop(self, tmp_path: Path) -> None:
        data, spec = split(TWO), spec_of(TWO)
        kept = {name: Memory(tmp_path / name, "job") for name in TWO}
        played(spec, data, Members(memories=kept))
        again = {name: Memory(tmp_path / name, "job") for name in TWO}
        for memory in again.values():
            memory.load()
            memory.rewind(len(memory) - 1)
        outcome, whole = played(spec, data, Members(memories=again)), played(spec, data)
        assert errors_of(outcome).tobytes() == errors_of(whole).tobytes()
