import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.horizontal.fusion.optimisers import Moments, Momentum, no_momentum
from isthmus.horizontal.fusion.state import State
from isthmus.horizontal.fusion.validation_gradient import Logits, no_logits
from isthmus.store.checkpoint import Arrays

ZEROS = np.zeros(3, np.float32)


class TestState:
    def test_is_its_arrays_by_name_and_back(self) -> None:
        state = Moments(np.array([1, 2, 3], np.float32), np.array([4, 5, 6], np.float32))
        restored = Moments(ZEROS, ZEROS).restored(state.arrays())
        assert restored.first.tolist() == [1, 2, 3]
        assert restored.second.tolist() == [4, 5, 6]

    def test_of_most_rules_is_empty(self) -> None:
        assert State().arrays() == {}
        assert State().restored({}) == State()

    def test_may_grow_where_it_starts_empty(self) -> None:
        saved = Logits(np.array([0.5, -0.5])).arrays()
        assert no_logits().restored(saved).logits.tolist() == [0.5, -0.5]

    @pytest.mark.parametrize(
        "arrays",
        [
            {},
            {"first": ZEROS},
            {"momentum": ZEROS, "more": ZEROS},
            {"momentum": ZEROS.astype(np.float64)},
            {"momentum": np.zeros(4, np.float32)},
        ],
        ids=["nothing", "another rule", "more", "another type", "another size"],
    )
    def test_of_another_rule_or_model_is_refused(self, arrays: Arrays) -> None:
        with pytest.raises(SpecError, match="holds no Momentum of this model"):
            no_momentum(3).restored(arrays)

    def test_must_not_change(self) -> None:
        with pytest.raises(AttributeError, match="cannot assign"):
            Momentum(ZEROS).momentum = ZEROS  # type: ignore[misc]  # what is tested
