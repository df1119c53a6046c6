"""The `[baseline]` table of a job of one organisation."""

from isthmus.vertical.boosting.spec import TreeModel
from isthmus.vertical.regression.spec import LinearModel


class RegressionBaseline(LinearModel, frozen=True, tag_field="model", tag="regression"):
    """The `[baseline]` table of a job: a regression."""


class BoostingBaseline(TreeModel, frozen=True, tag_field="model", tag="boosting"):
    """The `[baseline]` table of a job: boosted trees."""


Baseline = RegressionBaseline | BoostingBaseline
