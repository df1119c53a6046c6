"""The table of a job: what contradicts itself is refused."""

import pytest

from isthmus.core import spec
from isthmus.core.errors import SpecError
from isthmus.vertical.preparation import system
from isthmus.vertical.preparation.spec import Encoding, Preparation, WeightOfEvidence
from isthmus.vertical.regression.spec import Regression


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({}, "there is no step in it"),
        ({"scorecard": {}, "encode": {}}, "a scorecard gives points to bins"),
        ({"select": {}}, "nothing is selected"),
        ({"select": {"information": 0.1}}, "information values are those of bins"),
        (
            {"woe": {}, "select": {"information": 0.1, "active_columns": 3}},
            "`active_columns` is for",
        ),
        ({"woe": {}, "encode": {}}, "has bins of categories itself"),
        ({"woe": {}, "missing": {}}, "has a bin of empty cells itself"),
        ({"woe": {"bins": 51}}, "from 2 to 50"),
        ({"woe": {"smoothing": 5e-324}}, "1e-09"),
        ({"select": {"correlation": 1.5}}, "of at most 1"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(said: object, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        spec.convert(said, Preparation, "job")


def test_trees_need_no_preparation() -> None:
    with pytest.raises(SpecError, match=r"this job has none: take the table out\. Trees of"):
        system.check(Preparation(encode=Encoding()), None)


def test_weight_of_evidence_needs_two_classes() -> None:
    training = Regression(family="gaussian", passive_columns=2)
    with pytest.raises(SpecError, match=r'`regression\.family` is "gaussian"'):
        system.check(Preparation(woe=WeightOfEvidence()), training)
