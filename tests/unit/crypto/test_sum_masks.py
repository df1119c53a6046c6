import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.crypto.encryption import Engine, Scheme
from isthmus.crypto.scheme import PrivateKey
from isthmus.crypto.sum_masks import OPENED_BYTES, SumMasks, masks_under

LARGEST_SUM = 2**62 - 1
WIDTH = 2**300
MASKS = SumMasks(least=-7, width=WIDTH)


class TestMasks:
    def test_are_uniform_over_their_whole_range(self) -> None:
        masks = np.array(SumMasks(0, WIDTH).draw(4096), object)
        for bit in range(300):  # a fair coin leaves [1792, 2304] once in 10^15
            ones = sum((mask >> bit) & 1 for mask in masks)
            assert 1792 < ones < 2304
        assert 0 <= min(masks) <= max(masks) < WIDTH

    def test_never_repeat(self) -> None:
        assert len(set(MASKS.draw(1000)) | set(MASKS.draw(1000))) == 2000

    @given(st.lists(st.integers(-LARGEST_SUM, LARGEST_SUM), min_size=1, max_size=5))
    def test_come_off_again(self, sums: list[int]) -> None:
        masks = MASKS.draw(len(sums))
        masked = [value + mask for value, mask in zip(sums, masks, strict=True)]
        assert MASKS.unmask(MASKS.answers(masked), masks) == sums

    def test_refuse_sums_that_no_values_add_up_to(self) -> None:
        (mask,) = MASKS.draw(1)
        opened = ((mask + LARGEST_SUM + 1) % 2**64).to_bytes(8, "little")
        with pytest.raises(ValueError, match="larger than"):
            MASKS.unmask(opened, [mask])

    @pytest.mark.parametrize("length", [0, OPENED_BYTES - 1, 2 * OPENED_BYTES])
    def test_refuse_another_number_of_sums(self, length: int) -> None:
        with pytest.raises(ValueError, match=f"{length} bytes came back for 1 masked sums"):
            MASKS.unmask(bytes(length), [1])


class TestUnderKeys:
    def test_cover_every_plaintext_that_both_sides_know(
        self, pair: tuple[Scheme, Engine], key: PrivateKey
    ) -> None:
        masks = masks_under(pair[0], key.public)
        if pair[0] == "paillier":
            n = int.from_bytes(key.public.dump(), "big")
            assert masks.width == n - 2**63
            assert -(n // 2) < masks.least - LARGEST_SUM  # so no sum of a mask wraps
            assert masks.least + masks.width + LARGEST_SUM <= n // 2 + 1
        else:
            assert masks.width == 2 ** (key.public.sum_bits + 1 - 40)

    def test_survive_encryption_at_both_ends_of_their_range(
        self, pair: tuple[Scheme, Engine], key: PrivateKey
    ) -> None:
        masks = masks_under(pair[0], key.public)
        low, high = masks.least - LARGEST_SUM, masks.least + masks.width - 1 + LARGEST_SUM
        large = key.public.encrypt([1, 1]).scale([low, high])
        assert key.decrypt(large) == [low, high]


class TestAnswers:
    def test_have_64_bits_whatever_was_decrypted(self) -> None:
        packed = sum(value << 64 * place for place, value in enumerate([1, 2, 3]))
        assert MASKS.answers([packed]) == (1).to_bytes(8, "little")

    @pytest.mark.parametrize("value", [-7 - LARGEST_SUM, 0, WIDTH - 8 + LARGEST_SUM])
    def test_are_given_to_every_masked_sum(self, value: int) -> None:
        assert len(MASKS.answers([0, value])) == 2 * OPENED_BYTES

    @pytest.mark.parametrize("value", [-8 - LARGEST_SUM - 1, WIDTH - 7 + LARGEST_SUM + 1, 2**400])
    def test_are_refused_to_everything_else(self, value: int) -> None:
        with pytest.raises(ValueError, match="out of the range"):
            MASKS.answers([0, value])

    def test_are_refused_to_the_ciphertext_that_would_give_the_key_away(
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
            masks_under("okamoto-uchiyama", public).answers(decrypted)
