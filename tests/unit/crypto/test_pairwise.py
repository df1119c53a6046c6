"""Masks that parties share two by two cancel in the sum over all of them, and in no other."""

import itertools
from math import fsum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.crypto.pairwise import (
    LIMIT,
    MOST,
    PairwiseMasks,
    to_numbers,
    to_wide,
    to_words,
    wide_sum,
)

PARTIES = ("bank", "insurer", "shop", "tram")
NUMBERS = st.floats(-LIMIT, LIMIT, exclude_min=True, exclude_max=True)


def masks(parties: tuple[str, ...] = PARTIES) -> dict[str, PairwiseMasks]:
    """Those of each party, with a key per pair."""
    keys = {pair: "-".join(pair).encode().ljust(32) for pair in itertools.combinations(parties, 2)}
    return {
        ours: PairwiseMasks(
            ours,
            {
                other: key
                for pair, key in keys.items()
                if ours in pair
                for other in pair
                if other != ours
            },
        )
        for ours in parties
    }


class TestMasks:
    @pytest.mark.parametrize("count", [2, 3, 4])
    def test_cancel_in_the_sum_over_all_parties(self, count: int) -> None:
        total = sum(each(50, b"slope 3") for each in masks(PARTIES[:count]).values())
        assert np.array_equal(total, np.zeros(50, np.uint64))

    def test_do_not_cancel_where_a_party_is_missing(self) -> None:
        _, *others = masks().values()
        total = np.sum([each(50, b"slope 3") for each in others], axis=0)
        assert len(set(total.tolist())) == 50

    def test_do_not_cancel_where_a_party_was_told_something_else(self) -> None:
        first, *others = masks().values()
        total = first(50, b"slope 3, step 0.5") + np.sum(
            [each(50, b"slope 3, step 0.4") for each in others], axis=0
        )
        assert len(set(total.tolist())) == 50

    def test_are_other_ones_in_every_context_and_look_random(self) -> None:
        one = masks()["bank"]
        many = np.concatenate([one(1_000, b"%d" % context) for context in range(8)])
        assert len(set(many.tolist())) == len(many)
        bits = np.unpackbits(many.view(np.uint8))
        assert abs(float(bits.mean()) - 0.5) < 5 * 0.5 / len(bits) ** 0.5


class TestWords:
    @given(st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=MOST))
    def test_sum_as_numbers_do_but_for_rounding(self, parties: list[list[float]]) -> None:
        values = np.array(parties)
        total = np.sum(np.array([to_words(each) for each in values]), axis=0, dtype=np.uint64)
        exact = np.array([fsum(column) for column in values.T])
        assert to_numbers(np.asarray(total)) == pytest.approx(exact, abs=MOST * 2.0**-36, rel=1e-15)

    @pytest.mark.parametrize("value", [np.nan, np.inf, LIMIT, -2 * LIMIT])
    def test_refuse_what_could_wrap_around(self, value: float) -> None:
        with pytest.raises(ValueError, match=r"not within 16,777,216 of zero"):
            to_words(np.array([0.0, value]))


class TestWideNumbers:
    @given(
        st.lists(
            st.lists(st.floats(-(2.0**43), 2.0**43), min_size=2, max_size=2),
            min_size=4,
            max_size=4,
        )
    )
    def test_sum_under_masks_as_numbers_do(self, parties: list[list[float]]) -> None:
        shares = [
            mask.wide(to_wide(np.array(values)), b"norms")
            for mask, values in zip(masks().values(), parties, strict=True)
        ]
        exact = np.sum(parties, axis=0)
        assert wide_sum(shares, 2) == pytest.approx(exact, abs=2.0**-78, rel=1e-14)

    def test_keep_what_is_very_small(self) -> None:
        one, other = masks(PARTIES[:2]).values()
        shares = [each.wide(to_wide(np.array([1e-18])), b"norms") for each in (one, other)]
        assert wide_sum(shares, 1) == pytest.approx([2e-18], rel=1e-5)

    def test_refuse_other_than_was_due(self) -> None:
        one, _ = masks(PARTIES[:2]).values()
        share = one.wide(to_wide(np.array([1.0, 2.0])), b"norms")
        with pytest.raises(ValueError, match="other than 3 numbers"):
            wide_sum([share], 3)
        with pytest.raises(ValueError, match="not 16 bytes"):
            wide_sum([[share[0][1:]]], 1)
        with pytest.raises(ValueError, match="not within 17,592,186,044,416 of zero"):
            to_wide(np.array([np.nan]))
