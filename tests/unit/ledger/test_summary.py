"""The ledger for people."""

from isthmus.ledger.record import GENESIS, Record
from isthmus.ledger.summary import Row, summarise
from isthmus.transport.message import Protection, Value


def record(message: str, to: str, time: float, *values: Value) -> Record:
    return Record(
        sequence=0,
        time=time,
        to=to,
        message=message,
        purpose=f"purpose of {message}",
        values=list(values),
        bytes=100,
        digest="",
        previous=GENESIS,
    )


def shares(*shape: int) -> Value:
    return Value("shares", "float64", shape, 8, Protection.CLEAR)


COVER = Value("cover", "bytes", (1200,), 1200, Protection.ENCRYPTED)
ROW = Value("row", "int", (), 1, Protection.CLEAR)


class TestSummarise:
    def test_adds_up_the_messages_of_one_type_to_one_peer(self) -> None:
        rows = summarise(
            [
                record("Predictor", "clinic", 1.0, ROW, shares(512, 2), COVER),
                record("Predictor", "clinic", 3.0, ROW, shares(500, 2), COVER),
            ]
        )
        assert rows == [
            Row(
                message="Predictor",
                to="clinic",
                purpose="purpose of Predictor",
                count=2,
                bytes=200,
                content="row int, shares float64[500-512 x 2], cover bytes[1,200]",
                protection="encrypted, clear",
                first=1.0,
                last=3.0,
            )
        ]

    def test_keeps_peers_and_types_apart_in_the_order_they_first_left(self) -> None:
        left = [("B", "clinic"), ("A", "clinic"), ("B", "bank"), ("B", "clinic")]
        rows = summarise(record(message, to, 0.0) for message, to in left)
        assert [(row.message, row.to, row.count) for row in rows] == [
            ("B", "clinic", 2),
            ("A", "clinic", 1),
            ("B", "bank", 1),
        ]

    def test_names_no_size_when_the_shapes_have_different_lengths(self) -> None:
        [row] = summarise([record("A", "b", 0.0, shares(1)), record("A", "b", 0.0, shares(1, 2))])
        assert row.content == "shares float64[...]"
