import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.crypto.sealing import FRAME_BYTES, PAYLOAD_BYTES, Session, SessionKey

SMALL_ORDER = bytes(32)  # a point that gives no secret with any key


def ends(ours: bytes = b"terms", theirs: bytes = b"terms") -> tuple[Session, Session]:
    """Both ends of a line; each has the context that it believes in."""
    one, other = SessionKey(), SessionKey()
    publics = one.public, other.public
    return one.session(publics[1], ours), other.session(publics[0], theirs)


WRITER, READER = ends()
FRAME = WRITER.seal(b"payload")  # READER expects it as long as nothing else opens


class TestSession:
    @settings(max_examples=25)
    @given(st.lists(st.binary(max_size=PAYLOAD_BYTES), min_size=1, max_size=4))
    def test_the_other_end_reads_what_was_sealed(self, payloads: list[bytes]) -> None:
        one, other = ends()
        for payload in payloads:
            frame = one.seal(payload)
            assert len(frame) == FRAME_BYTES
            assert other.open(frame) == payload.ljust(PAYLOAD_BYTES, b"\0")

    def test_both_may_speak_at_once(self) -> None:
        one, other = ends()
        to_other, to_one = one.seal(b"ping"), other.seal(b"pong")
        assert other.open(to_other).startswith(b"ping")
        assert one.open(to_one).startswith(b"pong")

    def test_a_full_frame_holds_4095_digests(self) -> None:
        one, other = ends()
        payload = bytes(range(256))[1:] * 16 * 16 + bytes(240)
        assert len(payload) == PAYLOAD_BYTES == 4095 * 16
        assert other.open(memoryview(one.seal(memoryview(payload)))) == payload

    def test_equal_payloads_have_frames_without_likeness(self) -> None:
        one, _ = ends()
        first, second = one.seal(b"same"), one.seal(b"same")
        assert sum(a == b for a, b in zip(first, second, strict=True)) < FRAME_BYTES // 64

    def test_refuses_what_does_not_fit_a_frame(self) -> None:
        one, other = ends()
        with pytest.raises(ValueError, match="65521 bytes do not fit a frame of 65520"):
            one.seal(bytes(PAYLOAD_BYTES + 1))
        assert other.open(one.seal(b"next")).startswith(b"next")


class TestMeddling:
    @given(st.integers(0, 8 * FRAME_BYTES - 1))
    def test_a_frame_with_one_bit_turned_does_not_open(self, bit: int) -> None:
        frame = bytearray(FRAME)
        frame[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match="frame 0 is not what the other end sealed"):
            READER.open(frame)

    def test_a_frame_does_not_open_twice(self) -> None:
        one, other = ends()
        frame = one.seal(b"once")
        other.open(frame)
        with pytest.raises(ValueError, match="frame 1 is not what the other end sealed"):
            other.open(frame)

    def test_frames_do_not_open_out_of_order(self) -> None:
        one, other = ends()
        one.seal(b"left out")
        with pytest.raises(ValueError, match="repeated, left out or moved"):
            other.open(one.seal(b"second"))

    @pytest.mark.parametrize("length", [0, 16, FRAME_BYTES - 1, FRAME_BYTES + 1])
    def test_a_frame_of_another_size_does_not_open(self, length: int) -> None:
        one, other = ends()
        with pytest.raises(ValueError, match=f"a frame has 65536 bytes, not {length}"):
            other.open(one.seal(b"").ljust(length, b"\0")[:length])

    def test_a_frame_does_not_open_where_it_came_from(self) -> None:
        one, _ = ends()
        with pytest.raises(ValueError, match="is not what the other end sealed"):
            one.open(one.seal(b"reflected"))

    def test_ends_of_other_terms_cannot_read_each_other(self) -> None:
        one, other = ends(ours=b"terms", theirs=b"other terms")
        with pytest.raises(ValueError, match="is not what the other end sealed"):
            other.open(one.seal(b""))

    def test_a_third_party_cannot_read(self) -> None:
        one, _ = ends()
        _, stranger = ends()
        with pytest.raises(ValueError, match="is not what the other end sealed"):
            stranger.open(one.seal(b""))


class TestSessionKey:
    def test_is_fresh_every_time(self) -> None:
        assert SessionKey().public != SessionKey().public

    def test_opens_one_session_only(self) -> None:
        pair = SessionKey()
        pair.session(SessionKey().public, b"")
        with pytest.raises(ValueError, match="one session only"):
            pair.session(SessionKey().public, b"")

    def test_refuses_its_own_key(self) -> None:
        pair = SessionKey()
        with pytest.raises(ValueError, match="our own key"):
            pair.session(pair.public, b"")

    @pytest.mark.parametrize("key", [SMALL_ORDER, b"short", bytes(33)])
    def test_refuses_what_gives_no_secret(self, key: bytes) -> None:
        with pytest.raises(ValueError, match="key"):
            SessionKey().session(key, b"")
