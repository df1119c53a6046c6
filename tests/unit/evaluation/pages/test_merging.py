"""Many children in few rows."""

from msgspec.structs import replace

from isthmus.evaluation.description import Learned
from isthmus.evaluation.pages.merging import merged_learned, merged_sent
from isthmus.evaluation.pages.page import Sent

TURN = Learned("Turn", "hub → north", "how far training is", "clear", 20, 600)
UPDATE = Learned("RoundUpdate", "north → hub", "how training moves parameters", "clear", 20, 9000)
SENT = Sent(
    message="Turn",
    to="north",
    purpose="take turns",
    count=20,
    bytes=600,
    content="task str",
    protection="clear",
    first=10.0,
    last=50.0,
)


class TestLearned:
    def test_adds_up_what_went_to_several_children(self) -> None:
        south = replace(TURN, direction="hub → south", count=18, bytes=540)
        (row,) = merged_learned([TURN, south], "hub")
        assert (row.direction, row.count, row.bytes) == ("hub → north and south", 38, 1140)

    def test_keeps_directions_apart(self) -> None:
        back = replace(TURN, direction="north → hub")
        found = merged_learned([TURN, UPDATE, back], "hub")
        assert [row.direction for row in found] == ["hub → north", "north → hub", "north → hub"]

    def test_counts_children_that_are_too_many_to_name(self) -> None:
        many = [replace(UPDATE, direction=f"clinic-{number:03d} → hub") for number in range(100)]
        (row,) = merged_learned(many, "hub")
        assert row.direction == "100 children → hub"

    def test_leaves_the_rows_of_a_single_peer_as_they_are(self) -> None:
        rows = [replace(TURN, direction="north → hub"), replace(UPDATE, direction="hub → north")]
        assert merged_learned(rows, "north") == rows


class TestSent:
    def test_adds_up_what_went_to_several_children(self) -> None:
        south = replace(SENT, to="south", count=18, bytes=540, first=5.0, last=40.0)
        (row,) = merged_sent([SENT, south])
        assert row == replace(
            SENT, to="north and south", count=38, bytes=1140, first=5.0, last=50.0
        )

    def test_keeps_what_differs_in_content_apart(self) -> None:
        south = replace(SENT, to="south", content="task str, reason str")
        assert merged_sent([SENT, south]) == [SENT, south]
