"""Training of the same model on pooled columns by scikit-learn, for comparison."""
# scikit-learn has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import numpy as np

from isthmus.data.table import Table
from isthmus.vertical.regression import model, scaling
from isthmus.vertical.regression.spec import LinearModel


def train_pooled(train: Table, spec: LinearModel) -> model.Part:
    """Fit a model of the table's label on its columns.

    Args:
        train: Training rows with a label.
        spec: Family and penalty.

    Returns:
        The whole model, as one part.

    Raises:
        SpecError: The label does not fit the family.
    """
    from sklearn.linear_model import LogisticRegression, Ridge  # noqa: PLC0415 - it takes a second to load

    scale, label = scaling.fit(train), scaling.label(train, spec)
    strength = max(spec.penalty * len(train), 1e-12)  # scikit-learn's loss is a sum, ours a mean
    if spec.family == "binomial":
        estimator = LogisticRegression(C=1 / strength, tol=1e-10, max_iter=10_000)
    else:
        estimator = Ridge(alpha=strength)
    estimator.fit(scale(train.features), label.values)
    coefficients = np.ravel(estimator.coef_).astype(np.float64)
    intercept = float(np.ravel(estimator.intercept_)[0])
    return model.labelled(
        model.part(spec.family, train.names, scale, coefficients), intercept, label
    )
