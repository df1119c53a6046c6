import msgspec
import pytest

from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.fusion.spec import ActorCritic
from isthmus.horizontal.weighting.spec import Weighting, as_encoders

TABLE = {"network": {"type": "image", "height": 8, "width": 8}, "classes": ["a", "b"]}


class TestWeighting:
    def test_weighs_by_an_actor_critic_unless_it_says_otherwise(self) -> None:
        assert msgspec.convert(TABLE, Weighting).fusion == ActorCritic(mode="residual")

    def test_is_an_encoder_with_a_shared_head(self) -> None:
        found = as_encoders(msgspec.convert(TABLE, Weighting))
        assert isinstance(found, Encoders)
        assert found.objective == "labels"
        assert found.classes == ("a", "b")

    @pytest.mark.parametrize(
        "table",
        [
            TABLE | {"classes": ["a", "a"]},
            TABLE | {"classes": ["a"]},
            TABLE | {"objective": "labels"},
            TABLE | {"privacy": {"secure_aggregation": {}}},
        ],
        ids=["one class twice", "one class", "a key of encoders", "residual behind masks"],
    )
    def test_refuses_what_cannot_be(self, table: dict[str, object]) -> None:
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(table, Weighting)

    def test_takes_sums_alone_behind_masks(self) -> None:
        rule = {"rule": "actor_critic", "mode": "sum_only", "caps": {}}
        table = TABLE | {"privacy": {"secure_aggregation": {}}, "fusion": rule}
        assert msgspec.convert(table, Weighting).privacy.secure_aggregation
