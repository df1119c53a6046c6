"""XGBoost on pooled columns, to compare joint trees with, if it is installed."""

import importlib.util
from collections.abc import Sequence

import numpy as np

from isthmus.core.arrays import Floats
from isthmus.data.table import Table
from isthmus.vertical.boosting.spec import TreeModel


def xgboost_predictions(
    spec: TreeModel, trains: Sequence[Table], tests: Sequence[Table]
) -> Floats | None:
    """Returns predictions of XGBoost's `hist` method with the same settings.

    Args:
        spec: The settings of the trees.
        trains: Training rows of each party; the first party has the labels.
        tests: Test rows of each party.

    Returns:
        Shape (1, rows); None if XGBoost is not installed, or cannot train this model.
    """
    if importlib.util.find_spec("xgboost") is None:  # the extra `compare`
        return None
    if spec.objective != "binary" or any(table.categories for table in trains):
        return None
    if not len(tests[0]):
        return None
    import xgboost  # noqa: PLC0415 - an extra

    options = {
        "objective": "binary:logistic",
        "tree_method": "hist",
        "max_depth": spec.depth,
        "eta": spec.learning_rate,
        "lambda": spec.l2,
        "gamma": spec.minimum_gain,
        "min_child_weight": spec.minimum_child_weight,
        "max_bin": spec.bins,
    }
    x, x_test = (np.hstack([table.features for table in tables]) for tables in (trains, tests))
    try:
        data = xgboost.DMatrix(x, trains[0].label, weight=trains[0].weight)
        model = xgboost.train(options, data, spec.trees)
        predictions: Floats = np.asarray(model.predict(xgboost.DMatrix(x_test)), np.float64)
    except xgboost.core.XGBoostError:  # for example numbers beyond float32
        return None
    return predictions[None]
