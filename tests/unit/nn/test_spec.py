"""What a job may say of a network."""

import msgspec
import pytest

from isthmus.nn.spec import Image, Network, Tabular, Text, type_of


def read(**table: object) -> Network:
    found: Network = msgspec.convert(table, Network)
    return found


class TestNetworks:
    def test_are_told_apart_by_their_type(self) -> None:
        assert isinstance(read(type="tabular", columns=["a"]), Tabular)
        assert isinstance(read(type="image", height=8, width=8), Image)
        assert isinstance(read(type="text"), Text)

    def test_have_the_type_that_children_ask_for(self) -> None:
        assert type_of(Text()) == "text"

    def test_of_an_unknown_type_are_refused(self) -> None:
        with pytest.raises(msgspec.ValidationError, match="type"):
            read(type="sound")

    @pytest.mark.parametrize(
        "table",
        [
            {"type": "text", "size": 63, "heads": 4},
            {"type": "image", "height": 8, "width": 8, "kind": "vit", "size": 30, "heads": 4},
        ],
    )
    def test_with_heads_that_do_not_share_the_size_are_refused(self, table: dict[str, int]) -> None:
        with pytest.raises(msgspec.ValidationError, match="not a multiple of `heads` 4"):
            read(**table)

    def test_that_halve_an_image_too_often_are_refused(self) -> None:
        with pytest.raises(msgspec.ValidationError, match=r"8 x 7 pixels are too few for 3"):
            read(type="image", height=8, width=7, layers=3)

    @pytest.mark.parametrize(
        ("ranges", "said"),
        [
            ({"a": (0, 1)}, "name every column .* 'b' is in one of them only"),
            ({"a": (0, 1), "b": (0, 1), "c": (0, 1)}, "'c' is in one of them only"),
            ({"a": (0, 1), "b": (1, 1)}, "the range of 'b' is empty"),
        ],
    )
    def test_with_ranges_that_do_not_fit_its_columns_are_refused(
        self, ranges: dict[str, tuple[float, float]], said: str
    ) -> None:
        with pytest.raises(msgspec.ValidationError, match=said):
            read(type="tabular", columns=["a", "b"], ranges=ranges)
