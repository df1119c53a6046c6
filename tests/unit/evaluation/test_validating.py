"""All that a validator asks for, from any rows: a figure that is undefined is named."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.errors import SpecError
from isthmus.evaluation.validating import validate
from isthmus.evaluation.validation import Validation

rows = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0]), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=9
)


class TestValidate:
    def test_has_every_figure_of_both_models(self) -> None:
        chance = np.random.default_rng(0)
        better, worse = chance.random(400), chance.random(400)
        label = (chance.random(400) < better).astype(float)
        found = validate(label, {"joint": better, "active_only": worse})
        assert found is not None
        assert found.undefined == {}
        assert found.gain is not None
        assert found.gain.low > 0
        for figure in (found.auc, found.brier, found.log_loss):
            assert figure.keys() == {"joint", "active_only"}
            assert None not in figure.values()

    def test_names_what_is_undefined_where_all_labels_are_the_same(self) -> None:
        found = validate(np.ones(5), {"joint": np.linspace(0, 1, 5)})
        assert found is not None
        assert found.auc == {"joint": None}
        assert found.brier["joint"] is not None
        assert "2 rows of each class, and there are 5 with" in found.undefined["auc of joint"]

    @given(rows)
    def test_is_finite_or_named_for_all_shapes(self, found: list[tuple[float, ...]]) -> None:
        label, joint, alone = np.array(found).T
        figures = validate(label, {"joint": joint, "active_only": alone})
        assert figures is not None
        stored = msgspec.json.encode(figures)
        assert msgspec.json.decode(stored, type=Validation) == figures  # no NaN, no infinity
        for model in ("joint", "active_only"):
            assert (figures.auc[model] is None) == (f"auc of {model}" in figures.undefined)
        assert (figures.gain is None) == ("gain" in figures.undefined)
        assert not any("a bug" in why for why in figures.undefined.values())

    @pytest.mark.parametrize("label", [[], [0.0, 0.5], [1.0, 2.0]])
    def test_is_none_of_other_labels(self, label: list[float]) -> None:
        assert validate(np.array(label), {"joint": np.zeros(len(label))}) is None

    def test_refuses_scores_that_are_no_numbers(self) -> None:
        with pytest.raises(SpecError, match="the training diverged"):
            validate(np.array([0.0, 1.0]), {"joint": np.array([0.1, np.nan])})
