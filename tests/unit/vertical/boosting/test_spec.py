"""Keys of the `[boosting]` table that contradict each other."""

from typing import Any

import msgspec
import pytest

from isthmus.vertical.boosting.spec import Boosting


class TestBoosting:
    @pytest.mark.parametrize(
        ("keys", "sentence"),
        [
            ({"objective": "multiclass"}, "multiclass needs `classes`"),
            ({"classes": 3}, "only multiclass has `classes`"),
            ({"sampling": "goss", "top_share": 0.6, "other_share": 0.6}, "more than 1 together"),
            ({"forest": True, "sampling": "goss"}, "leave `sampling` out"),
            ({"forest": True, "patience": 3, "validation_share": 0.1}, "does not stop early"),
            ({"patience": 3}, "`patience` needs a `validation_share`"),
            ({"minimum_node_rows": 4}, "less than `minimum_bin_rows`"),
            ({"leaf_epsilon": 1.0, "objective": "squared"}, "needs bounded gradients"),
            ({"leaf_epsilon": 1e-300}, "is 0, for none, or at least 0.001"),
            ({"leaf_epsilon": 1.0, "sampling": "goss"}, "each row to count once"),
            ({"bins": 128}, "<= 127"),
        ],
    )
    def test_refuses_them_in_one_sentence(self, keys: dict[str, Any], sentence: str) -> None:
        with pytest.raises(msgspec.ValidationError, match=sentence):
            msgspec.convert(keys, Boosting)

    def test_grows_one_tree_a_round_or_one_per_class(self) -> None:
        assert Boosting().outputs == 1
        assert Boosting(objective="multiclass", classes=4).outputs == 4
