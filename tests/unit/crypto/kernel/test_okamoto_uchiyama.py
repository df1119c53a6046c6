"""The kernel and gmpy2 make the same bits; `test_scheme.py` has what holds for every engine."""

import gc
import math
import random
import secrets

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.crypto import okamoto_uchiyama
from isthmus.crypto.fixed_width import join
from isthmus.crypto.kernel import okamoto_uchiyama as kernel
from isthmus.crypto.kernel.library import Library
from isthmus.crypto.kernel.okamoto_uchiyama import KernelPrivateKey
from isthmus.crypto.okamoto_uchiyama import OkamotoUchiyamaPublicKey

SIZES = (1024, 2048, 3072)
VALUES = [0, 1, -1, 127, 128, -128, -129, 2**79, -(2**79), 2**127, -(2**191), 12_345] * 2


@pytest.fixture(scope="module", params=SIZES)
def bits(request: pytest.FixtureRequest, library: Library) -> int:
    assert library
    size: int = request.param
    return size


@pytest.fixture(scope="module")
def key(bits: int) -> KernelPrivateKey:
    return kernel.generate(bits)


@pytest.fixture(scope="module")
def theirs(bits: int, key: KernelPrivateKey) -> OkamotoUchiyamaPublicKey:
    """The public key at a party with gmpy2."""
    return okamoto_uchiyama.load_public(bits, key.public.dump())


class TestBothEngines:
    @pytest.mark.parametrize("values", [VALUES, [0, 0, 0], [5], [-(2**70)] * 17])
    def test_encrypt_to_the_same_bits_with_the_same_randomness(
        self,
        key: KernelPrivateKey,
        theirs: OkamotoUchiyamaPublicKey,
        values: list[int],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        dumps = list[bytes]()
        for public in (key.public, theirs):
            monkeypatch.setattr(secrets, "token_bytes", random.Random(3).randbytes)
            dumps.append(public.encrypt(values).dump())
        assert dumps[0] == dumps[1]

    def test_read_each_other(
        self, key: KernelPrivateKey, theirs: OkamotoUchiyamaPublicKey, bits: int
    ) -> None:
        sent = theirs.encrypt(VALUES).dump()
        assert key.decrypt(key.public.load(sent, len(VALUES))) == VALUES

        owner = okamoto_uchiyama.generate(bits)
        ours = kernel.load_public(bits, owner.public.dump())
        answer = ours.load(owner.public.encrypt(VALUES).dump(), len(VALUES)) + ours.encrypt(VALUES)
        loaded = owner.public.load(answer.dump(), len(VALUES))
        assert owner.decrypt(loaded) == [2 * value for value in VALUES]

    @pytest.mark.parametrize("cumulative", [False, True])
    def test_compute_the_same_bits(
        self, key: KernelPrivateKey, theirs: OkamotoUchiyamaPublicKey, *, cumulative: bool
    ) -> None:
        generator = np.random.default_rng(5)
        codes = generator.integers(0, 9, (400, 3)).astype(np.int8)
        data = key.public.encrypt(list(range(400))).dump()
        groups = [[], [3], [1, 1, 399], range(400)]
        factors = [*range(-7, 10), 2**40]

        ours, other = key.public.load(data, 400), theirs.load(data, 400)
        for one, two in (
            (
                ours.bucket_sums(codes, 10, cumulative=cumulative),
                other.bucket_sums(codes, 10, cumulative=cumulative),
            ),
            (ours.sums(groups), other.sums(groups)),
            (ours[3:21].scale(factors), other[3:21].scale(factors)),
            (ours[:5].scale([2**71] * 5), other[:5].scale([2**71] * 5)),
            (ours.take([5, 0, 5]), other.take([5, 0, 5])),
            (ours[9:11].join([ours[:1], ours[::100]]), other[9:11].join([other[:1], other[::100]])),
            (ours.sum() + ours[:1], other.sum() + other[:1]),
        ):
            assert one.dump() == two.dump()

    def test_refuse_ciphertexts_of_each_other(
        self, key: KernelPrivateKey, theirs: OkamotoUchiyamaPublicKey, bits: int
    ) -> None:
        for owner, strange in (
            (key, theirs.encrypt([1])),
            (okamoto_uchiyama.generate(bits), key.public.encrypt([1])),
        ):
            with pytest.raises(TypeError, match="of another engine"):
                owner.decrypt(strange)


class TestLoad:
    def test_refuses_what_is_not_below_the_modulus(self, key: KernelPrivateKey) -> None:
        public, (n, _, _) = key.public, key.public.plain.numbers
        width = public.ciphertext_bytes
        for at, bad in ((0, n), (2, n + 1), (1, 256**width - 1), (0, 0), (2, 0)):
            numbers = [1, n - 1, 2]
            numbers[at] = bad
            with pytest.raises(ValueError, match="a number is not within the modulus"):
                public.load(join(numbers, width), 3)
        assert len(public.load(join([1, n - 1, 2], width), 3)) == 3

    def test_refuses_a_multiple_of_a_factor_among_many(self, key: KernelPrivateKey) -> None:
        public, p = key.public, vars(key)["_p"]
        rows = public.encrypt(list(range(100)))
        bad = rows.join([public.restore(join([int(p) * 3], public.ciphertext_bytes))])
        with pytest.raises(ValueError, match="a number is not invertible"):
            public.load(bad.dump(), 101)

    @pytest.mark.long
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.data())
    def test_refuses_or_reads_any_bytes(self, key: KernelPrivateKey, data: st.DataObject) -> None:
        width = key.public.ciphertext_bytes
        count = data.draw(st.integers(1, 4))
        size = width * count
        sent = data.draw(st.binary(min_size=size - 1, max_size=size + 1))
        try:
            loaded = key.public.load(sent, count)
        except ValueError:
            return
        assert loaded.dump() == sent


class TestSums:
    @pytest.mark.parametrize("groups", [[[0, 3]], [[-1]], [[0], [1, 2, 7]]])
    def test_refuse_positions_beyond_the_rows(
        self, library: Library, groups: list[list[int]]
    ) -> None:
        assert library
        rows = kernel.generate(1024).public.encrypt([1, 2, 3])
        with pytest.raises(ValueError, match="a position is none of 3 rows"):
            rows.sums(groups)


class TestSecrets:
    def test_are_overwritten_with_the_end_of_a_key(self, library: Library) -> None:
        assert library
        key = kernel.generate(1024)
        kept = [vars(key)["_exponent"], vars(vars(key)["_field"])["_constants"]]
        assert all(numbers.any() for numbers in kept)
        del key
        gc.collect()
        assert not any(numbers.any() for numbers in kept)

    def test_are_not_handed_out_by_an_error_of_memory(self, library: Library) -> None:
        # In a table modulo p^2 or q, which would be faster, this makes gcd(c, n) a factor.
        assert library
        public = kernel.generate(1024).public
        public.encrypt([1])
        vars(public)["_tables"][1][3, :, :128] = 0  # half of the entries of a digit
        n = public.plain.modulus
        shared = {math.gcd(c, n) for c in public.encrypt([1] * 90).residues()}
        assert shared == {1, n}
