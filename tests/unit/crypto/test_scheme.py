"""Every engine behind the protocol adds, scales and sums exactly, and refuses what is invalid."""

import secrets

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.crypto.scheme import MAX_BUCKETS, Codes, PrivateKey

few = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
integers = st.integers(-(2**127), 2**127)
vectors = st.lists(integers, min_size=1, max_size=6)


class TestArithmetic:
    @few
    @given(vectors)
    def test_decrypts_what_was_encrypted(self, key: PrivateKey, values: list[int]) -> None:
        assert key.decrypt(key.public.encrypt(values)) == values

    @few
    @given(st.lists(st.tuples(integers, integers), min_size=1, max_size=6))
    def test_adds(self, key: PrivateKey, pairs: list[tuple[int, int]]) -> None:
        ours, theirs = map(list, zip(*pairs, strict=True))
        total = key.public.encrypt(ours) + key.public.encrypt(theirs)
        assert key.decrypt(total) == [a + b for a, b in pairs]

    @few
    @given(vectors, st.integers(-(2**15), 2**15))
    def test_scales_by_signed_integers(
        self, key: PrivateKey, values: list[int], factor: int
    ) -> None:
        factors = [factor + number for number in range(len(values))]
        scaled = key.public.encrypt(values).scale(factors)
        assert key.decrypt(scaled) == [v * f for v, f in zip(values, factors, strict=True)]

    def test_sums_all_and_chosen_elements(self, key: PrivateKey) -> None:
        ciphertexts = key.public.encrypt([1, -20, 300, 4000])
        assert key.decrypt(ciphertexts.sum()) == [4281]
        groups = [[0, 2], [3], range(1, 4), [0, 0, 1], []]
        assert key.decrypt(ciphertexts.sums(groups)) == [301, 4000, 4280, -18, 0]

    def test_sums_elements_at_any_position(self, key: PrivateKey) -> None:
        values = list(range(600))
        groups = [values[:300], values[250:], values[::7]]
        sums = key.public.encrypt(values).sums(groups)
        assert key.decrypt(sums) == [sum(group) for group in groups]

    def test_slices(self, key: PrivateKey) -> None:
        ciphertexts = key.public.encrypt([1, 2, 3, 4, 5])
        assert len(ciphertexts) == 5
        assert key.decrypt(ciphertexts[1:3]) == [2, 3]
        assert key.decrypt(ciphertexts[3:]) == [4, 5]

    @pytest.mark.parametrize("rows", [[2], [4, 0, 0], [1, 2, 3, 4, 0]])
    def test_takes_elements_in_any_order(self, key: PrivateKey, rows: list[int]) -> None:
        taken = key.public.encrypt([10, 11, 12, 13, 14]).take(rows)
        assert key.decrypt(taken) == [10 + row for row in rows]

    @pytest.mark.parametrize("lengths", [[1], [3], [1, 1], [2, 1, 4]])
    def test_joins_vectors(self, key: PrivateKey, lengths: list[int]) -> None:
        first, *others = [key.public.encrypt([length] * length) for length in lengths]
        joined = first.join(others)
        assert len(joined) == sum(lengths)
        assert key.decrypt(joined) == [length for length in lengths for _ in range(length)]

    def test_holds_products_of_as_many_bits_as_it_says(self, key: PrivateKey) -> None:
        bits = key.public.sum_bits
        assert bits >= key.public.plaintext_bits
        most = key.public.encrypt([1, -1]).scale([2**bits - 1] * 2)
        assert key.decrypt(most) == [2**bits - 1, 1 - 2**bits]

    def test_has_room_for_masked_sums(self, key: PrivateKey) -> None:
        assert key.public.plaintext_bits >= 128

    def test_works_on_more_than_one_thread(self, key: PrivateKey) -> None:
        values = list(range(-150, 150))
        assert key.decrypt(key.public.encrypt(values)) == values


class TestBucketSums:
    @pytest.mark.parametrize("cumulative", [False, True])
    def test_agrees_with_plain_sums(self, key: PrivateKey, *, cumulative: bool) -> None:
        generator = np.random.default_rng(1)
        values = generator.integers(-(2**40), 2**40, 50)
        codes = generator.integers(0, 5, (50, 3)).astype(np.int8)
        expected = np.array(
            [[values[column == bucket].sum() for bucket in range(5)] for column in codes.T]
        )
        if cumulative:
            expected = expected.cumsum(axis=1)
        sums = key.public.encrypt(values.tolist()).bucket_sums(codes, 5, cumulative=cumulative)
        assert key.decrypt(sums) == expected.ravel().tolist()

    def test_takes_every_bucket_there_is(self, key: PrivateKey) -> None:
        codes = np.array([[0], [MAX_BUCKETS - 1]], np.int8)
        sums = key.decrypt(key.public.encrypt([7, 9]).bucket_sums(codes, MAX_BUCKETS))
        assert sums == [7] + [0] * (MAX_BUCKETS - 2) + [9]

    @pytest.mark.parametrize(
        "codes",
        [
            np.array([[0], [3]], np.int8),
            np.array([[0], [-1]], np.int8),
            np.array([[0]], np.int8),
        ],
        ids=["beyond the last", "negative", "too few rows"],
    )
    def test_refuses_codes_that_are_no_buckets(self, key: PrivateKey, codes: Codes) -> None:
        with pytest.raises(ValueError, match="code"):
            key.public.encrypt([1, 2]).bucket_sums(codes, 3)


class TestRandomness:
    def test_the_same_value_never_looks_the_same(self, key: PrivateKey) -> None:
        data = key.public.encrypt([1] * 200).dump() + key.public.encrypt([1] * 200).dump()
        width = len(data) // 400
        assert len({data[at : at + width] for at in range(0, len(data), width)}) == 400

    def test_a_fresh_encryption_hides_which_sum_it_is_added_to(self, key: PrivateKey) -> None:
        sums = key.public.encrypt([3, 4]).sum()
        once, twice = (sums + key.public.encrypt([0]) for _ in range(2))
        assert once.dump() != twice.dump()
        assert key.decrypt(once) == key.decrypt(twice) == [7]


class TestLoad:
    def test_reads_what_was_dumped(self, key: PrivateKey) -> None:
        loaded = key.public.load(key.public.encrypt([5, -6, 7]).dump(), 3)
        assert key.decrypt(loaded + key.public.encrypt([1, 1, 1])) == [6, -5, 8]

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_refuses_another_count(self, key: PrivateKey, count: int) -> None:
        with pytest.raises(ValueError, match="bytes are not"):
            key.public.load(key.public.encrypt([5, 6]).dump(), count)

    def test_refuses_truncated_bytes(self, key: PrivateKey) -> None:
        data = key.public.encrypt([5, 6]).dump()
        for length in (0, 1, len(data) // 2, len(data) - 1):
            with pytest.raises(ValueError, match="bytes are not"):
                key.public.load(data[:length], 2)

    def test_refuses_zero(self, key: PrivateKey) -> None:
        data = key.public.encrypt([5]).dump()
        with pytest.raises(ValueError, match="within the modulus"):
            key.public.load(data + bytes(len(data)), 2)

    def test_refuses_numbers_beyond_the_modulus(self, key: PrivateKey) -> None:
        data = key.public.encrypt([5]).dump()
        with pytest.raises(ValueError, match="within the modulus"):
            key.public.load(b"\xff" * len(data), 1)

    @settings(few, max_examples=30)
    @given(st.data())
    def test_survives_any_bytes(self, key: PrivateKey, data: st.DataObject) -> None:
        honest = key.public.encrypt([5, 6]).dump()
        noise = data.draw(st.binary(max_size=2 * len(honest)), "noise")
        start = data.draw(st.integers(0, len(honest)), "start")
        changed = honest[:start] + noise + honest[start + len(noise) :]
        try:
            loaded = key.public.load(changed, 2)
        except ValueError:
            return
        assert len(key.decrypt(loaded + key.public.encrypt([0, 0]))) == 2

    def test_survives_random_bytes_of_the_right_length(self, key: PrivateKey) -> None:
        length = len(key.public.encrypt([5]).dump())
        for _ in range(30):
            try:
                loaded = key.public.load(secrets.token_bytes(length), 1)
            except ValueError:
                continue
            assert len(key.decrypt(loaded)) == 1
