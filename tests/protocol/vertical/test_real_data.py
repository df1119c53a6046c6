"""Vertical regression on real data of two parties, against scikit-learn on all columns."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from isthmus.data.table import Table
from isthmus.vertical.regression.pooled import train_pooled
from isthmus.vertical.regression.spec import Family, Regression
from tests import real_data
from tests.real_data import rows
from tests.regressions import ACTIVE, Split
from tests.regressions import train as training

pytestmark = [
    pytest.mark.slow,
    real_data.needs(real_data.VERTICAL),
]


def joined(ours: Table, theirs: Table) -> Table:
    assert ours.identifiers == theirs.identifiers
    features = np.hstack([ours.features, theirs.features])
    return Table(ours.identifiers, features, ours.names + theirs.names, ours.label)


def stacked(train: Table, test: Table) -> Table:
    assert train.label is not None
    assert test.label is not None
    return Table(
        [*train.identifiers, *test.identifiers],
        np.vstack([train.features, test.features]),
        train.names,
        np.concatenate([train.label, test.label]),
    )


@pytest.mark.parametrize(
    ("name", "family", "measure"),
    [
        ("breast", "binomial", 0.99),
        pytest.param("default_credit", "binomial", 0.7373, marks=pytest.mark.long),
        ("student", "gaussian", 4.2532),
        ("motor", "gaussian", 0.3145),
        ("dvisits", "gaussian", 0.8349),
    ],
)
def test_equals_the_central_model(name: str, family: Family, measure: float) -> None:
    train = {party: rows(name, party, "train") for party in ("guest", "host")}
    test = {party: rows(name, party, "test", train[party]) for party in train}
    own = len(train["guest"].names)
    split = Split(
        stacked(joined(train["guest"], train["host"]), joined(test["guest"], test["host"])),
        {ACTIVE: range(own), "host": range(own, own + len(train["host"].names))},
        train=len(train["guest"]),
    )
    spec = Regression(
        family=family,
        passive_columns=len(train["host"].names),
        label_exposure=1.0,
        max_rounds=200,
    )
    outcome = training(spec, split)
    assert not outcome.raised
    trained = outcome.returned["hub"]
    pooled = train_pooled(split.training, spec)
    expected = pooled.predict(split.test.features)
    label = split.test.label
    assert label is not None
    assert trained.converged
    if family == "binomial":
        found, reference = (roc_auc_score(label, it) for it in (trained.predictions, expected))
        assert found == pytest.approx(reference, abs=0.002)
        assert found == pytest.approx(measure, abs=0.01)
    else:
        found, reference = (
            float(np.sqrt(np.mean((label - it) ** 2))) for it in (trained.predictions, expected)
        )
        assert found == pytest.approx(reference, rel=1e-3)
        assert found == pytest.approx(measure, rel=0.02)
