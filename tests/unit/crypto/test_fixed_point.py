import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.arrays import Floats
from isthmus.crypto.fixed_point import MASKED_BYTES, Bounds, from_bytes, to_bytes
from isthmus.crypto.scheme import PrivateKey

rows = st.integers(1, 10**8)
LARGEST_SUM, LARGEST_MASK = 2**62 - 1, 2**126 - 1


class TestBounds:
    @given(rows, st.integers(7, 14))
    def test_no_sum_reaches_two_to_the_62(self, rows: int, feature_bits: int) -> None:
        bounds = Bounds(rows, feature_bits, 1.0)
        largest = rows * (2**feature_bits - 1) * 2**bounds.residual_bits
        assert largest <= LARGEST_SUM
        assert 4 * rows * 2**feature_bits * 2**bounds.residual_bits > LARGEST_SUM  # none wasted

    @pytest.mark.parametrize("limit", [0.0, -1.0, 3.0, float("nan"), float("inf")])
    def test_a_limit_is_a_power_of_two(self, limit: float) -> None:
        with pytest.raises(ValueError, match="power of two"):
            Bounds(100, 14, limit)

    def test_refuses_more_rows_than_leave_bits_for_residuals(self) -> None:
        with pytest.raises(ValueError, match="no bits for residuals"):
            Bounds(2**50, 14, 1.0)


class TestEncoding:
    @given(st.lists(st.floats(-256, 256), min_size=1), rows)
    def test_is_exact_to_half_a_unit(self, residuals: list[float], rows: int) -> None:
        bounds = Bounds(rows, 14, 256.0)
        error = bounds.decode(bounds.encode(np.array(residuals))) - residuals
        assert np.abs(error).max() <= 256 / 2**bounds.residual_bits / 2

    @pytest.mark.parametrize("value", [1.0000001, -2.0, float("nan"), float("inf")])
    def test_refuses_residuals_beyond_the_limit(self, value: float) -> None:
        with pytest.raises(ValueError, match="within 1 of zero"):
            Bounds(100, 14, 1.0).encode(np.array([0.5, value]))

    def test_does_not_say_which_residual_it_was(self) -> None:
        with pytest.raises(ValueError, match="extreme labels") as error:
            Bounds(100, 14, 1.0).encode(np.array([0.5, 17.25]))
        assert "17" not in str(error.value)


class TestMasks:
    def test_are_uniform_over_their_whole_range(self) -> None:
        masks = np.array(Bounds(100, 14, 1.0).masks(4096), object)
        for bit in range(126):  # a fair coin leaves [1792, 2304] once in 10^15
            ones = sum((mask >> bit) & 1 for mask in masks)
            assert 1792 < ones < 2304
        assert max(masks) <= LARGEST_MASK

    def test_never_repeat(self) -> None:
        bounds = Bounds(100, 14, 1.0)
        assert len(set(bounds.masks(1000)) | set(bounds.masks(1000))) == 2000

    @given(st.lists(st.integers(-LARGEST_SUM, LARGEST_SUM), min_size=1, max_size=5))
    def test_come_off_again(self, sums: list[int]) -> None:
        bounds = Bounds(100, 14, 1.0)
        masks = bounds.masks(len(sums))
        masked = [value + mask for value, mask in zip(sums, masks, strict=True)]
        bounds.check(masked)
        assert bounds.unmask(to_bytes(masked), masks) == sums

    def test_refuses_sums_that_no_residuals_add_up_to(self) -> None:
        bounds = Bounds(100, 14, 1.0)
        (mask,) = bounds.masks(1)
        with pytest.raises(ValueError, match="larger than"):
            bounds.unmask(to_bytes([mask + LARGEST_SUM + 1]), [mask])

    def test_refuses_another_number_of_sums(self) -> None:
        with pytest.raises(ValueError, match="2 sums came back for 1 masks"):
            Bounds(100, 14, 1.0).unmask(to_bytes([1, 2]), [1])


class TestCheck:
    @pytest.mark.parametrize("value", [-LARGEST_SUM, 0, LARGEST_MASK + LARGEST_SUM])
    def test_lets_every_masked_sum_pass(self, value: int) -> None:
        Bounds(100, 14, 1.0).check([0, value])

    @pytest.mark.parametrize("value", [-LARGEST_SUM - 2, LARGEST_MASK + LARGEST_SUM + 2, 2**300])
    def test_refuses_everything_else(self, value: int) -> None:
        with pytest.raises(ValueError, match="out of the range"):
            Bounds(100, 14, 1.0).check([0, value])

    def test_refuses_the_ciphertext_that_would_give_the_key_away(
        self, okamoto_uchiyama: PrivateKey
    ) -> None:
        public = okamoto_uchiyama.public
        chosen, data = 2**400, public.dump()
        n = int.from_bytes(data[: len(data) // 3], "big")
        decrypted = okamoto_uchiyama.decrypt(public.encrypt([2**100]).scale([2**300]))

        # Answering it would factor the modulus ...
        secret_prime = math.gcd(chosen - decrypted[0], n)
        assert 1 < secret_prime < n
        # ... so it is not answered.
        with pytest.raises(ValueError, match="out of the range"):
            Bounds(100, 14, 1.0).check(decrypted)


class TestBytes:
    @given(st.lists(st.integers(-(2**128), 2**128 - 1)))
    def test_round_trip(self, values: list[int]) -> None:
        assert from_bytes(to_bytes(values)) == values

    @pytest.mark.parametrize("length", [0, MASKED_BYTES - 1, MASKED_BYTES + 1])
    def test_refuses_another_length(self, length: int) -> None:
        with pytest.raises(ValueError, match="17 bytes"):
            from_bytes([bytes(length)])


def test_an_array_of_residuals_goes_through_unchanged_in_order() -> None:
    bounds, residuals = Bounds(4, 14, 1.0), np.array([0.5, -0.25, 1.0, -1.0])
    decoded: Floats = bounds.decode(bounds.encode(residuals))
    assert decoded.tolist() == residuals.tolist()
