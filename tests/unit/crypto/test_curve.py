import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.crypto.curve import POINT_BYTES, BlindingKey

CONTEXT = b"isthmus test"
IDENTITY = bytes(POINT_BYTES)


def points(data: bytes) -> list[bytes]:
    """One item per point."""
    return [data[at : at + POINT_BYTES] for at in range(0, len(data), POINT_BYTES)]


class TestBlindingKey:
    @settings(max_examples=20)
    @given(st.lists(st.binary(max_size=12), max_size=8))
    def test_equal_identifiers_meet_under_both_keys(self, identifiers: list[bytes]) -> None:
        ours, theirs = BlindingKey(), BlindingKey()
        one = theirs.blind_points(ours.blind_identifiers(identifiers, CONTEXT))
        other = ours.blind_points(theirs.blind_identifiers(identifiers, CONTEXT))
        assert one == other
        assert len(set(points(one))) == len(set(identifiers))

    def test_points_under_different_keys_share_nothing(self) -> None:
        names = [b"ada", b"bo"]
        one, other = (BlindingKey().blind_identifiers(names, CONTEXT) for _ in range(2))
        assert not set(points(one)) & set(points(other))

    def test_another_context_gives_unrelated_points(self) -> None:
        key = BlindingKey()
        assert key.blind_identifiers([b"c"], b"ab") != key.blind_identifiers([b"c"], b"a")
        assert key.blind_identifiers([b"bc"], b"a") != key.blind_identifiers([b"c"], b"ab")

    def test_order_is_kept_over_threads(self) -> None:
        key, names = BlindingKey(), [str(number).encode() for number in range(4500)]
        together = key.blind_identifiers(names, CONTEXT)
        assert key.blind_identifiers(names[4499:], CONTEXT) == points(together)[4499]
        assert key.blind_identifiers(names[2000:2001], CONTEXT) == points(together)[2000]
        assert points(key.blind_points(together))[2001] == key.blind_points(points(together)[2001])

    def test_no_points_are_no_points(self) -> None:
        assert BlindingKey().blind_identifiers([], CONTEXT) == b""
        assert BlindingKey().blind_points(b"") == b""

    @pytest.mark.parametrize(
        "point",
        [
            IDENTITY,
            b"\xff" * POINT_BYTES,
            b"\x01" + bytes(31),
            (2**255 - 18).to_bytes(32, "little"),
        ],
        ids=["identity", "not reduced", "negative", "reduces to one"],
    )
    def test_refuses_what_is_not_a_point_that_hides(self, point: bytes) -> None:
        key = BlindingKey()
        honest = key.blind_identifiers([b"ada"], CONTEXT)
        with pytest.raises(ValueError, match="not points of ristretto255"):
            key.blind_points(honest + point)

    @pytest.mark.parametrize("length", [1, 31, 33])
    def test_refuses_a_piece_of_a_point(self, length: int) -> None:
        with pytest.raises(ValueError, match="32 bytes each"):
            BlindingKey().blind_points(bytes(length))

    def test_is_not_printed(self) -> None:
        key = BlindingKey()
        secret = vars(key)["_scalar"]
        assert repr(secret) not in repr(key)
        assert secret.hex() not in repr(key)
