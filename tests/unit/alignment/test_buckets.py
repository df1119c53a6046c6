"""How digests are padded, spread over buckets, met, and shuffled."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.alignment.attested import buckets
from isthmus.alignment.attested.buckets import CAPACITY, DIGEST_BYTES, NOT_SHARED, SLOTS, Words
from isthmus.crypto.sealing import PAYLOAD_BYTES

WORDS = st.sampled_from([0, 1, 2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1)
DIGESTS = st.lists(st.tuples(WORDS, WORDS), unique=True, max_size=40)


def digests(pairs: Sequence[tuple[int, int]]) -> Words:
    return np.array(pairs, np.uint64).reshape(-1, 2)


def pairs(words: Words) -> list[tuple[int, int]]:
    return [(int(first), int(second)) for first, second in words]


def filled(words: Words) -> Words:
    return buckets.read(buckets.fill(words))


def random_digests(rows: int) -> Words:
    return np.random.default_rng(7).integers(0, 2**64, (rows, 2), np.uint64, endpoint=False)


class TestSizes:
    @pytest.mark.parametrize(
        ("rows", "told"), [(0, 8), (1, 8), (7, 8), (8, 8), (9, 16), (1_000, 1_000)]
    )
    def test_are_told_rounded_up_and_never_nought(self, rows: int, told: int) -> None:
        assert buckets.padded(rows, 8) == told

    @pytest.mark.parametrize(
        ("rows", "count"),
        [(1, 1), (CAPACITY, 1), (CAPACITY + 1, 2), (1_000_000, 277), (10_000_000, 2_768)],
    )
    def test_decide_how_many_buckets_there_are(self, rows: int, count: int) -> None:
        assert buckets.bucket_count(rows) == count

    @given(st.integers(1, buckets.MOST_ROWS))
    def test_leave_eight_standard_deviations_of_room(self, rows: int) -> None:
        mean = rows / buckets.bucket_count(rows)
        assert rows <= CAPACITY or mean + 8 * mean**0.5 <= CAPACITY

    def test_fit_one_frame(self) -> None:
        assert len(buckets.fill(digests([]))) == CAPACITY * DIGEST_BYTES == PAYLOAD_BYTES
        assert SLOTS * 4 == PAYLOAD_BYTES

    def test_leave_room_for_the_slot_of_every_row(self) -> None:
        assert buckets.bucket_count(buckets.MOST_ROWS) * CAPACITY < NOT_SHARED

    @pytest.mark.parametrize(("rows", "frames"), [(1, 1), (SLOTS, 1), (SLOTS + 1, 2)])
    def test_decide_how_many_frames_tell_the_slots(self, rows: int, frames: int) -> None:
        assert buckets.frame_count(rows) == frames


class TestSort:
    @given(DIGESTS)
    def test_orders_by_both_words_and_keeps_the_rows(self, unsorted: list[tuple[int, int]]) -> None:
        ordered, rows = buckets.sort(digests(unsorted))
        assert pairs(ordered) == sorted(unsorted)
        assert [unsorted[row] for row in rows] == sorted(unsorted)

    @given(DIGESTS, st.booleans())
    def test_shows_repeats(self, different: list[tuple[int, int]], repeat: bool) -> None:  # noqa: FBT001 - drawn
        words = digests([*different, *different[: int(repeat)]])
        expected = repeat and bool(different)
        assert buckets.repeats(buckets.sort(words)[0]) == expected


class TestBuckets:
    @given(DIGESTS, st.integers(1, 9))
    def test_are_ranges_of_equal_width(self, unsorted: list[tuple[int, int]], count: int) -> None:
        ordered, _ = buckets.sort(digests(unsorted))
        starts = buckets.starts(ordered, count)
        assert (starts[0], starts[-1]) == (0, len(unsorted))
        for number in range(count):
            held = ordered[starts[number] : starts[number + 1]]
            assert all(first * count >> 64 == number for first, _ in pairs(held))

    def test_are_filled_up_with_other_digests_each_time(self) -> None:
        words = random_digests(10)
        one, two = filled(words), filled(words)
        assert one.shape == two.shape == (CAPACITY, 2)
        assert pairs(one[:10]) == pairs(two[:10]) == pairs(words)
        assert not set(pairs(one[10:])) & set(pairs(two[10:]))

    def test_take_as_many_as_fit(self) -> None:
        assert pairs(filled(random_digests(CAPACITY))) == pairs(random_digests(CAPACITY))
        with pytest.raises(OverflowError):
            buckets.fill(random_digests(CAPACITY + 1))


class TestMeet:
    @given(DIGESTS, DIGESTS)
    def test_finds_where_ours_are_among_theirs(
        self, ours: list[tuple[int, int]], theirs: list[tuple[int, int]]
    ) -> None:
        ordered, _ = buckets.sort(digests(ours))
        found = buckets.match(ordered, filled(digests(theirs)))
        expected = [theirs.index(one) if one in theirs else -1 for one in pairs(ordered)]
        assert found.tolist() == expected

    def test_tells_digests_apart_that_begin_alike(self) -> None:
        ours = digests([(5, 1), (5, 2), (5, 3), (6, 1), (7, 0)])
        found = buckets.match(ours, filled(digests([(5, 3), (6, 2), (5, 1), (7, 0)])))
        assert found.tolist() == [2, -1, 0, -1, 3]


class TestSlots:
    def test_count_through_all_buckets(self) -> None:
        found = np.array([3, -1, 0])
        assert buckets.slots(2, found).tolist() == [2 * CAPACITY + 3, NOT_SHARED, 2 * CAPACITY]

    STARTS = np.array([0, 2, 2, 5])
    """Buckets of two digests, none, and three."""

    def test_lead_back_to_our_digests(self) -> None:
        chosen = np.array([2 * CAPACITY + 1, 1, 2 * CAPACITY], np.uint32)
        assert buckets.positions(chosen, self.STARTS).tolist() == [3, 1, 2]

    def test_may_be_none(self) -> None:
        assert buckets.positions(np.array([], np.uint32), self.STARTS).tolist() == []

    @pytest.mark.parametrize(
        ("chosen", "sentence"),
        [
            ([3 * CAPACITY], "in no bucket"),
            ([NOT_SHARED], "in no bucket"),
            ([2], "none of our digests"),
            ([CAPACITY], "none of our digests"),
            ([1, 0, 1], "named twice"),
        ],
    )
    def test_that_we_did_not_fill_are_refused(self, chosen: list[int], sentence: str) -> None:
        with pytest.raises(ValueError, match=sentence):
            buckets.positions(np.array(chosen, np.uint32), self.STARTS)


class TestShuffle:
    def test_is_the_permutation_of_its_key_stream(self) -> None:
        stream = np.array([30, 10, 40, 20], "<u8").tobytes()
        assert buckets.shuffled(stream).tolist() == [1, 3, 0, 2]

    @given(st.binary(max_size=80).filter(lambda stream: len(stream) % 8 == 0))
    def test_holds_every_place_once(self, stream: bytes) -> None:
        assert sorted(buckets.shuffled(stream).tolist()) == list(range(len(stream) // 8))
