"""What a job may say of shared encoders, and what contradicts itself."""

from typing import Any

import msgspec
import pytest

from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.fusion.spec import ActorCritic

TEXT = {"type": "text"}
STATIC = {"type": "static"}
SECURE: dict[str, Any] = {"secure_aggregation": {}}
TOUCHES = {"rule": "touch_mean"}
SUM_ONLY: dict[str, Any] = {"rule": "actor_critic", "mode": "sum_only"}


def read(**table: Any) -> Encoders:
    return msgspec.convert({"network": TEXT, **table}, Encoders)


class TestEncoders:
    def test_need_a_network_and_nothing_else(self) -> None:
        found = read()
        assert (found.objective, found.head) == ("reconstruction", None)
        assert found.privacy.secure_aggregation is None

    @pytest.mark.parametrize(
        ("table", "said"),
        [
            ({"objective": "labels"}, "at least two `classes`"),
            ({"objective": "labels", "classes": ["a", "a"]}, "at least two `classes`"),
            ({"objective": "labels", "classes": ["a", "b", "a"]}, "named twice"),
            ({"classes": ["a", "b"]}, 'for the objective "labels" only'),
            (
                {"fusion": {"rule": "scaffold"}, "training": {"momentum": 0.5}},
                "without `momentum`",
            ),
            ({"fusion": {"rule": "scaffold"}, "training": {"optimiser": "adam"}}, '"sgd"'),
            (
                {"fusion": TOUCHES, "network": {"type": "tabular", "columns": ["a"]}},
                "this network has none",
            ),
            ({"objective": "pairs", "network": {"type": "tabular", "columns": ["a"]}}, "of texts"),
            ({"network": STATIC}, "learns from texts in several languages alone"),
            ({"network": STATIC, "objective": "switched"}, "go together: write both or none"),
            (
                {"network": STATIC, "objective": "pairs", "switching": {"table": "a.tsv"}},
                "go together: write both or none",
            ),
            (
                {
                    "network": {"type": "text"},
                    "objective": "switched",
                    "switching": {"table": "a.tsv"},
                },
                'is for the network "static"',
            ),
            ({"network": STATIC, "objective": "pairs", "head": {}}, "no head is trained"),
            (
                {"network": STATIC, "objective": "pairs", "fusion": {"rule": "fltrust"}},
                "'fltrust' needs samples of the master's own",
            ),
            ({"objective": "pairs", "privacy": {"sample_level": {}}}, '"pairs" compares samples'),
            (
                {"network": {"type": "tabular", "columns": ["a"], "ranges": {"a": [9, 1]}}},
                "the range of 'a' is empty: write the smaller number first",
            ),
            (
                {"network": {"type": "tabular", "columns": ["a"], "ranges": {"a": [0, 1e-60]}}},
                "the range of 'a' is narrower than 1e-30",
            ),
            (
                {"network": {"type": "tabular", "columns": ["a", "b"], "ranges": {"a": [0, 1]}}},
                "name every column of `columns` and no other, or to be left out: 'b'",
            ),
            (
                {"network": {"type": "tabular", "columns": ["a"]}, "privacy": {"sample_level": {}}},
                "without `ranges` each child scales its columns by its own samples",
            ),
            (
                {
                    "network": STATIC | {"vocabulary": "joint"},
                    "objective": "pairs",
                    "privacy": {"child_level": {}},
                },
                "told to all without the noise",
            ),
            ({"fusion": TOUCHES, "privacy": {"child_level": {}}}, "one child alone touched"),
            ({"fusion": {"rule": "median"}, "privacy": SECURE}, "'median' looks at more"),
            ({"fusion": {"rule": "scaffold"}, "privacy": SECURE}, "'scaffold' looks at more"),
            (
                {"objective": "contrastive", "privacy": {"sample_level": {}}},
                "compares samples",
            ),
            (
                {"fusion": {"rule": "fedprox"}, "privacy": {"sample_level": {}}},
                "corrects gradients after",
            ),
            ({"fusion": {"rule": "median"}, "privacy": {"child_level": {}}}, "looks at each"),
            (
                {"fusion": {"rule": "actor_critic"}, "privacy": SECURE},
                "'actor_critic' looks at more",
            ),
            (
                {"fusion": SUM_ONLY, "privacy": {"child_level": {}}},
                "looks at each update before",
            ),
            (
                {"privacy": {"secure_aggregation": {"largest_norm": 5.0}, "child_level": {}}},
                "scale their updates down",
            ),
            (
                {"fusion": SUM_ONLY, "privacy": SECURE},
                r"`largest_share` of `privacy.secure_aggregation`, 0.5, .* in its table",
            ),
            (
                {
                    "fusion": SUM_ONLY | {"caps": {"largest": 0.3}},
                    "privacy": {"secure_aggregation": {"largest_share": 0.25}},
                },
                r"write `caps = \{ largest = 0.25 \}`, or less",
            ),
            ({"privacy": SECURE | {"compression": {"method": "top_k"}}}, "`compression`"),
        ],
    )
    def test_that_contradict_themselves_are_refused(self, table: dict[str, Any], said: str) -> None:
        with pytest.raises(msgspec.ValidationError, match=said):
            read(**table)

    @pytest.mark.parametrize(
        "rule",
        [
            {"rule": "count"},
            {"rule": "uniform"},
            {"rule": "fedadam"},
            {"rule": "fedprox"},
            SUM_ONLY | {"caps": {"largest": 0.5}},
        ],
    )
    def test_may_be_fused_from_a_sum_alone(self, rule: dict[str, Any]) -> None:
        assert read(fusion=rule, privacy=SECURE).privacy.secure_aggregation

    def test_may_be_weighed_without_caps_where_updates_are_seen(self) -> None:
        assert read(fusion=SUM_ONLY).fusion == ActorCritic(mode="sum_only")
