"""Vertical regression on real data of two parties, against scikit-learn on all columns."""

import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from isthmus.core.telemetry import Telemetry
from isthmus.data import table
from isthmus.data.sources import Dataset
from isthmus.data.table import Table
from isthmus.vertical.regression import Regression, active, passive
from isthmus.vertical.regression.central import central
from isthmus.vertical.regression.memory import Memory
from isthmus.vertical.regression.objective import Link
from isthmus.vertical.regression.spec import Encryption
from tests.roles import run_together

SHARED = Path(os.environ.get("ISTHMUS_DATA", Path(__file__).parents[4] / "shared" / "data"))
FOLDER = SHARED / "vertical"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(
        not FOLDER.exists(), reason="real data sets are not beside the repository (ISTHMUS_DATA)"
    ),
]


def rows(name: str, party: str, part: str, train: Table | None = None) -> Table:
    """Rows of one party, in the order of their identifiers."""
    dataset = Dataset(
        path=f"{name}_{party}_{part}.csv.gz",
        identifiers=("id",),
        label="y" if party == "guest" else None,
    )
    loaded = table.load(dataset, FOLDER, [], train)
    return loaded.take(np.argsort(np.array(loaded.identifiers)))


def joined(ours: Table, theirs: Table) -> Table:
    assert ours.identifiers == theirs.identifiers
    features = np.hstack([ours.features, theirs.features])
    return Table(ours.identifiers, features, ours.names + theirs.names, ours.label)


@pytest.mark.parametrize(
    ("name", "link", "measure"),
    [
        ("breast", "logit", 0.99),
        ("default_credit", "logit", 0.7373),
        ("student", "identity", 4.2532),
        ("motor", "identity", 0.3145),
        ("dvisits", "identity", 0.8349),
    ],
)
def test_equals_the_central_model(name: str, link: Link, measure: float) -> None:
    train = {party: rows(name, party, "train") for party in ("guest", "host")}
    test = {party: rows(name, party, "test", train[party]) for party in train}
    spec = Regression(
        link=link,
        passive_columns=len(train["host"].names),
        label_exposure=0.05,
        max_rounds=200,
        encryption=Encryption(key_bits=1024),
    )
    outcome = run_together(
        guest=lambda line: active(line, train["guest"], test["guest"], spec, Telemetry(), Memory()),
        host=lambda line: passive(line, train["host"], test["host"], spec, Telemetry(), Memory()),
    )
    trained = outcome["guest"]
    pooled = central(joined(train["guest"], train["host"]), spec)
    expected = pooled.predict(joined(test["guest"], test["host"]).features)
    label = test["guest"].label
    assert label is not None
    assert trained.converged
    if link == "logit":
        found, reference = (roc_auc_score(label, it) for it in (trained.predictions, expected))
        assert found == pytest.approx(reference, abs=0.002)
        assert found == pytest.approx(measure, abs=0.01)
    else:
        found, reference = (
            float(np.sqrt(np.mean((label - it) ** 2))) for it in (trained.predictions, expected)
        )
        assert found == pytest.approx(reference, rel=1e-3)
        assert found == pytest.approx(measure, rel=0.02)
