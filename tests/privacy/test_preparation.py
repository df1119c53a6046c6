"""What sums of labels by bin tell a passive party of single labels, by least squares."""

from dataclasses import replace

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.core.telemetry import Telemetry
from isthmus.crypto.encryption import Encryption
from isthmus.data.table import Table
from isthmus.evaluation.classification import auc
from isthmus.vertical.preparation import system
from isthmus.vertical.preparation.active import active
from isthmus.vertical.preparation.columns import Evidence, Prepared
from isthmus.vertical.preparation.own import Own
from isthmus.vertical.preparation.passive import passive
from isthmus.vertical.preparation.spec import Preparation, WeightOfEvidence
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.spec import Regression
from isthmus.vertical.system import EQUATIONS, Telling
from tests.roles import run_together

BOUND = Regression(passive_columns=1).label_exposure


def parties(rows: int, columns: int) -> tuple[Table, Table]:
    generator = np.random.default_rng(11)
    x = generator.normal(size=(rows, columns + 1))
    signal = x[:, 0] + x[:, 1] - 1
    label = (generator.random(rows) < 1 / (1 + np.exp(-signal))).astype(float)
    names = [b"%d" % row for row in range(rows)]
    others = tuple(f"x{number}" for number in range(columns))
    return Table(names, x[:, :1], ("own",), label), Table(names, x[:, 1:], others)


def prepared(ours: Table, theirs: Table, spec: Preparation) -> Prepared:
    """What a passive party holds after the preparation."""
    most = len(theirs.names)
    found = run_together(
        clinic=lambda line: active({"it": line}, Own(ours), spec, {"it": most}, Telemetry()),
        insurer=lambda line: passive(line, Own(theirs), spec, most, Telemetry()),
    )
    held: Prepared = found["insurer"]
    return held


def guess(theirs: Table, held: Prepared) -> Floats:
    """Labels of the least length that give all sums that the passive party got."""
    flags, sums = list[Floats](), list[int]()
    for column in held.columns:
        assert isinstance(column, Evidence)
        groups = column.groups(theirs.features[:, theirs.names.index(column.name)], ())
        flags.append(np.eye(len(column.events))[groups])
        sums += column.events
    bins = np.hstack(flags)
    return bins @ np.linalg.lstsq(bins.T @ bins, np.array(sums, np.float64), rcond=None)[0]


def told(ours: Table, theirs: Table, spec: Preparation) -> float:
    """Equations about each row of the rarer label, as they are counted."""
    training = Regression(passive_columns=len(theirs.names))
    telling = Telling("active", "insurer", len(ours), ours.label)
    return system.told(spec, training, telling)[EQUATIONS]


def woe(bins: int, least_rows: int) -> Preparation:
    return Preparation(
        woe=WeightOfEvidence(bins=bins, least_rows=least_rows), encryption=Encryption(key_bits=2048)
    )


def test_below_the_bound_they_rank_labels_no_better_than_a_model_of_the_partys_own() -> None:
    ours, theirs = parties(rows=1_500, columns=4)
    spec = woe(bins=10, least_rows=50)
    assert told(ours, theirs, spec) < BOUND
    held = prepared(ours, theirs, spec)
    assert ours.label is not None
    own = replace(held(theirs), label=ours.label)
    weights = train_pooled(own, Regression(passive_columns=4)).predict(own.features)
    assert auc(ours.label, guess(theirs, held)) <= auc(ours.label, weights) + 0.03


def test_many_sums_over_few_rows_name_labels_and_are_far_above_the_bound() -> None:
    ours, theirs = parties(rows=200, columns=25)
    spec = woe(bins=15, least_rows=5)
    held = prepared(ours, theirs, spec)
    assert ours.label is not None
    assert auc(ours.label, guess(theirs, held)) > 0.95
    assert told(ours, theirs, spec) > 30 * BOUND
