"""What a child sent is taken or refused, and the reason names child, place and what to do."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from isthmus.core.errors import PeerError
from isthmus.horizontal.fusion.contributions import checked_update, flaw
from isthmus.horizontal.fusion.spec import Limits
from isthmus.horizontal.parameters import Layout, Parameters

MODEL: Parameters = {"weight": np.zeros((2, 2), np.float32), "bias": np.zeros(2, np.float32)}
LAYOUT = Layout.of(MODEL)
LIMITS = Limits(largest_norm=5.0, largest_count=1000)


def update(**changed: NDArray[Any]) -> Parameters:
    """An update of zeros, but for what is given; the line checks no types."""
    return {**MODEL, **changed}


def singles(*values: float) -> NDArray[np.float32]:
    return np.array(values, np.float32)


class TestCheckedUpdate:
    def test_lays_the_arrays_in_a_row_sorted_by_name(self) -> None:
        sent = update(weight=singles(1, 2, 0, 0).reshape(2, 2), bias=singles(4, 0))
        vector = checked_update("ada", sent, 10, LAYOUT, LIMITS)
        assert vector.tolist() == [4, 0, 1, 2, 0, 0]

    def test_takes_an_update_at_the_limits(self) -> None:
        sent = update(bias=singles(3, 0), weight=singles(0, 4, 0, 0).reshape(2, 2))
        assert checked_update("ada", sent, 1000, LAYOUT, LIMITS).tolist() == [3, 0, 0, 4, 0, 0]
        assert checked_update("ada", MODEL, 1, LAYOUT, LIMITS).tolist() == [0] * 6

    @pytest.mark.parametrize(
        ("sent", "reason"),
        [
            ({"bias": MODEL["bias"]}, "'weight' is missing"),
            ({}, "'bias' is missing"),
            (update(more=singles(0)), "'more' is not one of its parameters"),
            (update(bias=np.zeros(2)), "'bias' holds float64"),
            (update(bias=np.zeros(2, np.complex64)), "'bias' holds complex64"),
            (update(bias=np.array(["a", "b"], object)), "'bias' holds object"),
            (update(bias=np.zeros(2, ">f4")), "'bias' holds >f4"),
            (update(bias=singles(0)), r"'bias' has shape \(1,\)"),
            (update(weight=singles(0, 0, 0, 0)), r"'weight' has shape \(4,\)"),
            (update(bias=singles(0, np.nan)), "not finite"),
            (update(bias=singles(np.inf, 0)), "not finite"),
            (update(bias=singles(3, 4.01)), "norm is 5.01, and the job's `largest_norm` is 5"),
            (update(bias=singles(3e38, 3e38)), r"norm is 4.24e\+38"),
        ],
        ids=[
            "one missing",
            "empty",
            "one too many",
            "double",
            "complex",
            "objects",
            "byte order",
            "too short",
            "flat",
            "not a number",
            "infinite",
            "too long",
            "overflowing square",
        ],
    )
    def test_refuses_what_is_no_update_of_the_model(self, sent: Parameters, reason: str) -> None:
        with pytest.raises(PeerError, match=f"^'ada' sent an update that is not taken: .*{reason}"):
            checked_update("ada", sent, 10, LAYOUT, LIMITS)

    def test_quotes_strange_names_as_text(self) -> None:
        with pytest.raises(PeerError) as raised:
            checked_update("ada", update(**{"\x1b[2J": singles(0)}), 10, LAYOUT, LIMITS)
        assert "\x1b" not in str(raised.value)

    @pytest.mark.parametrize(
        ("samples", "reason"),
        [
            (0, "trained on 0 samples"),
            (-5, "trained on -5 samples"),
            (1001, "on 1001 samples, and the job's `largest_count` is 1000"),
        ],
    )
    def test_refuses_a_number_of_samples_that_is_not_believable(
        self, samples: int, reason: str
    ) -> None:
        with pytest.raises(PeerError, match=reason):
            checked_update("ada", MODEL, samples, LAYOUT, LIMITS)


class TestFlaw:
    def test_is_empty_of_a_good_update(self) -> None:
        assert flaw(MODEL, 10, LIMITS) == ""

    def test_is_one_clause(self) -> None:
        found = flaw(update(bias=singles(9, 0)), 10, LIMITS)
        assert found == "its norm is 9, and the job's `largest_norm` is 5"
