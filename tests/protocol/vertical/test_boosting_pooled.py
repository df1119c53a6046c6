"""The pooled model on real data, against XGBoost on the same columns.

XGBoost's figures are those of version 3.2.0 with tree_method "hist" and the same rounds, depth,
rate and number of bins.
"""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from isthmus.core.arrays import Floats
from isthmus.data import binning
from isthmus.vertical.boosting.spec import Boosting
from isthmus.vertical.boosting.trees import boost, pooled
from isthmus.vertical.boosting.trees.boost import Problem
from isthmus.vertical.boosting.trees.tree import CodeBook
from tests import real_data
from tests.real_data import rows

pytestmark = [pytest.mark.slow, real_data.needs(real_data.VERTICAL)]


def predict(name: str, spec: Boosting) -> tuple[Floats, Floats]:
    """Labels of the test rows, counted from 0 for classes, and their predictions."""
    train = [rows(name, party, "train") for party in ("guest", "host")]
    test = [
        rows(name, party, "test", own) for party, own in zip(("guest", "host"), train, strict=True)
    ]
    kept = [binning.fit(own, spec.bins) for own in train]
    bins = np.hstack([binning.encode(*pair) for pair in zip(kept, train, strict=True)])
    test_bins = np.hstack([binning.encode(*pair) for pair in zip(kept, test, strict=True)])
    codes = [each.bins for own in kept for each in own]
    owner = np.repeat([0, 1], [len(own) for own in kept])
    none = np.zeros(len(codes), np.int64)
    book = CodeBook(owner, none.astype(np.bool_), np.array(codes), none)
    label, truth = train[0].label, test[0].label
    assert label is not None
    assert truth is not None
    first = label.min() if spec.objective == "multiclass" else 0.0
    held_out = np.zeros(len(label), np.bool_)
    task = Problem(label - first, np.ones(len(label)), held_out, book, spec, seed=7)
    model = boost.ensemble(pooled.fit(bins, task), spec)
    return truth - first, pooled.predict(model, test_bins, spec)


def error(name: str, spec: Boosting) -> float:
    truth, predicted = predict(name, spec)
    return float(np.sqrt(np.mean((truth - predicted[0]) ** 2)))


class TestPooled:
    @pytest.mark.parametrize(("name", "xgboost"), [("breast", 0.9874), ("default_credit", 0.7852)])
    def test_ranks_as_well_as_xgboost(self, name: str, xgboost: float) -> None:
        truth, predicted = predict(name, Boosting(trees=20))
        assert roc_auc_score(truth, predicted[0]) == pytest.approx(xgboost, abs=0.003)

    @pytest.mark.parametrize(
        "spec",
        [
            Boosting(trees=20, sampling="goss", top_share=0.2),
            Boosting(trees=20, sampling="uniform", row_share=0.5),
            Boosting(trees=30, forest=True, depth=8, code_share=0.5),
            Boosting(trees=20, leaf_epsilon=1.0),
        ],
        ids=["goss", "uniform", "forest", "private"],
    )
    def test_ranks_almost_as_well_with_less(self, spec: Boosting) -> None:
        truth, predicted = predict("default_credit", spec)
        assert roc_auc_score(truth, predicted[0]) > 0.775

    @pytest.mark.parametrize(
        ("name", "spec", "linear"),
        [
            ("student", Boosting(objective="squared", trees=20), 4.2532),
            ("student", Boosting(objective="absolute", trees=20), 4.2532),
            ("motor", Boosting(objective="squared", trees=20), 0.3145),
            ("motor", Boosting(objective="absolute", trees=20), 0.3145),
            ("dvisits", Boosting(objective="poisson", trees=20), 0.8349),
            ("dvisits", Boosting(objective="tweedie", trees=20), 0.8349),
        ],
        ids=["student", "student-absolute", "motor", "motor-absolute", "poisson", "tweedie"],
    )
    def test_is_closer_to_the_label_than_a_linear_model(
        self, name: str, spec: Boosting, linear: float
    ) -> None:
        assert error(name, spec) < linear

    def test_tells_four_classes_apart(self) -> None:
        spec = Boosting(objective="multiclass", classes=4, trees=20)
        truth, predicted = predict("vehicle_scale", spec)
        assert predicted.sum(axis=0) == pytest.approx(np.ones(len(truth)))
        assert (predicted.argmax(axis=0) == truth).mean() > 0.75
