"""Sums under encryption: exact, whatever is summed, and nothing but the sums."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from isthmus.core.arrays import Integers
from isthmus.crypto.lattice import owner as owners
from isthmus.crypto.lattice import parameters, seal
from isthmus.crypto.lattice.keys import SecretKey, received
from isthmus.crypto.lattice.owner import Encryptor, Owner, new_seed
from isthmus.crypto.lattice.parameters import (
    EXACT_BITS,
    EXACT_RING,
    FEATURE_BITS,
    SUMS_PER_KEY,
    Sums,
    noise_bound,
    value_bits,
)
from isthmus.crypto.lattice.products import Columns, Partial, PublicKeys, finish, unmask
from isthmus.crypto.lattice.residues import Cut, packed, unpacked
from tests.negacyclic import product, whole

DEGREE = EXACT_RING.degree
BLOCK_ROWS = 5000  # no multiple of what a polynomial holds
LARGEST = 2**FEATURE_BITS - 1


def exact(columns: int, rows: int) -> Sums:
    return Sums(columns, rows, value_bits(rows))


@dataclass
class Round:
    """A round, as both parties have it before the sums are opened."""

    sums: Sums
    x: NDArray[np.integer]
    values: Integers
    block_rows: int = BLOCK_ROWS

    def __post_init__(self) -> None:
        self.seed = new_seed()
        self.owner = Owner(self.sums, self.seed)
        self.public = self.owner.public()
        self.blocks = blocks(self.owner.encryptor, self.values, self.block_rows)
        self.columns = Columns(self.x, self.sums, self.block_rows)
        self.keys = PublicKeys(self.sums, self.public, self.seed)
        self.partial = self.columns.multiply(self.blocks)
        self.masked, self.masks = finish(self.keys, [self.partial])

    def opened(self, masked: bytes | None = None) -> list[int]:
        return unmask(self.sums, self.owner.open(masked or self.masked), self.masks)

    def words(self) -> NDArray[np.uint64]:
        return np.frombuffer(self.masked, "<u8").reshape(self.sums.columns, -1)


def blocks(encryptor: Encryptor, values: Integers, block_rows: int = BLOCK_ROWS) -> list[bytes]:
    starts = range(0, len(values), block_rows)
    return [encryptor.encrypt(values[start : start + block_rows]) for start in starts]


def plain(x: NDArray[np.integer], values: Integers) -> list[int]:
    """The same sums in plain integers of any size."""
    sums: list[int] = (x.T.astype(object) @ values.astype(object)).tolist()
    return sums


def random_round(columns: int = 2, rows: int = 300, seed: int = 0) -> Round:
    sums, generator = exact(columns, rows), np.random.default_rng(seed)
    least, most = sums.value_range
    x = generator.integers(-LARGEST, LARGEST + 1, (rows, columns))
    return Round(sums, x, generator.integers(least, most + 1, rows))


class TestExactSums:
    @settings(max_examples=25, deadline=None)
    @given(
        rows=st.sampled_from([1, 2, 4095, 4096, 4097, 9000]),
        block_rows=st.sampled_from([1000, 4096, 5000, 8192]),
        extremes=st.tuples(st.booleans(), st.booleans()),
        seed=st.integers(0, 2**32),
    )
    def test_equal_those_of_plain_integers(
        self, rows: int, block_rows: int, extremes: tuple[bool, bool], seed: int
    ) -> None:
        sums, generator = exact(2, rows), np.random.default_rng(seed)
        most = sums.value_range[1]
        x = generator.integers(-LARGEST, LARGEST + 1, (rows, 2))
        values = generator.integers(-most, most + 1, rows)
        x = np.where(x < 0, -LARGEST, LARGEST) if extremes[0] else x
        values = np.where(values < 0, -most, most) if extremes[1] else values
        assert Round(sums, x, values, block_rows).opened() == plain(x, values)

    @pytest.mark.parametrize("sign", [1, -1])
    def test_are_right_at_the_largest_magnitude(self, sign: int) -> None:
        rows = 2**13
        sums = exact(1, rows)
        x, values = np.full((rows, 1), LARGEST), np.full(rows, sign * sums.value_range[1])
        assert Round(sums, x, values).opened() == [sign * sums.most]
        assert sums.most > 2 ** (EXACT_BITS - 1) * 0.999

    def test_of_columns_of_zeros_are_zero(self) -> None:
        rows = 5000
        x = np.zeros((rows, 3), np.int8)
        x[-1, 1] = 1
        values = np.arange(rows) - 3
        assert Round(exact(3, rows), x, values).opened() == [0, rows - 4, 0]

    def test_take_any_type_of_integers(self) -> None:
        x = np.array([[-128, 5], [127, 0]])
        for kind in (np.int8, np.int16, np.int32, np.int64):
            assert Round(exact(2, 2), x.astype(kind), np.array([2, -3])).opened() == [-637, 10]

    def test_of_more_than_16_columns_come_from_more_keys(self) -> None:
        case = random_round(SUMS_PER_KEY + 1)
        assert len({key.stored() for key in case.owner.encryptor.keys}) == 2
        assert case.opened() == plain(case.x, case.values)

    def test_are_those_of_all_workers(self) -> None:
        case, half = random_round(rows=9000), 5000
        stored = case.owner.encryptor.stored()
        parts = []
        for rows in (slice(0, half), slice(half, None)):
            encryptor = Encryptor(case.sums, stored)  # as in another process
            columns = Columns(case.x[rows], case.sums, BLOCK_ROWS)
            partial = columns.multiply(blocks(encryptor, case.values[rows]))
            parts.append(Partial.restored(case.sums, partial.stored(case.sums)))
        case.masked, case.masks = finish(case.keys, parts)
        assert case.opened() == plain(case.x, case.values)

    def test_do_not_depend_on_what_is_cached(self) -> None:
        case = random_round(rows=9000)
        room_for_one = 2 * 2 * DEGREE * 8
        for cache_bytes in (0, room_for_one, 1 << 30):
            columns = Columns(case.x, case.sums, BLOCK_ROWS, cache_bytes)
            for _ in range(2):
                partial = columns.multiply(case.blocks)
                assert partial.stored(case.sums) == case.partial.stored(case.sums)


class TestModularSums:
    @settings(max_examples=10, deadline=None)
    @given(rows=st.sampled_from([1, 4097, 9000]), seed=st.integers(0, 2**32))
    def test_are_exact_modulo_the_prime_whatever_the_values(self, rows: int, seed: int) -> None:
        sums, generator = Sums(2, rows, None), np.random.default_rng(seed)
        t = sums.ring.plain
        x = generator.integers(-LARGEST, LARGEST + 1, (rows, 2))
        values = generator.integers(0, t, rows)
        assert Round(sums, x, values).opened() == [value % t for value in plain(x, values)]


class TestNoise:
    """The bounds of parameters.py hold where everything that can go wrong does, the same way."""

    def test_of_a_product_is_as_numpy_computes_it(self) -> None:
        case = random_round(1)
        (key,), context = case.owner.encryptor.keys, seal.context(EXACT_RING)
        ciphertext = context.residues(
            context.transformed_back(received(EXACT_RING, case.blocks[0]))
        )
        column = np.zeros(DEGREE, np.int64)
        column[0] = case.x[0, 0]
        column[DEGREE - len(case.x) + 1 :] = -case.x[:0:-1, 0]
        (total,) = case.partial.totals
        products = context.residues(context.transformed_back(total))
        for place, prime in enumerate(EXACT_RING.primes):
            for polynomial, multiplied in zip(ciphertext, products, strict=True):
                expected = product(polynomial[place], column, prime)
                assert multiplied[place].tolist() == expected
        noise = self.phase(key, products) - scaled(plain(case.x, case.values)[0])
        assert abs(noise) <= len(case.x) * LARGEST * 21.5

    @pytest.mark.parametrize("sign", [1, -1])
    def test_at_its_largest_leaves_sums_exact(self, sign: int) -> None:
        rows = DEGREE
        sums = exact(1, rows)
        generator = np.random.default_rng(0)
        x = np.where(generator.integers(0, 2, (rows, 1)) > 0, LARGEST, -LARGEST)
        values = np.full(rows, sums.value_range[1])
        case = Round(sums, x, values)
        (key,) = case.owner.encryptor.keys
        # All errors of the ciphertext at 21, with the sign of the column. Its own may add as much.
        size = len(case.blocks[0]) - 64
        polynomial = unpacked(case.blocks[0][:size], DEGREE, EXACT_RING.primes).astype(object)
        for place, prime in enumerate(EXACT_RING.primes):
            polynomial[place] = (polynomial[place] + 21 * sign * np.sign(x[:, 0])) % prime
        worst = packed(polynomial.astype(np.uint64), EXACT_RING.primes) + case.blocks[0][size:]
        case.masked, case.masks = finish(case.keys, [case.columns.multiply([worst])])
        # All of the cut in one direction: three units for c0, and for each coefficient of c1.
        words = case.words().copy()
        words[:, 0] -= np.uint64(3)
        words[0, 1:] -= np.where(key.constant_row() == 1, 3, 0).astype(np.uint64)
        words[0, 1:] += np.where(key.constant_row() == np.uint64(2**64 - 1), 3, 0).astype(np.uint64)
        assert case.opened(words.tobytes()) == plain(x, values)

    @pytest.mark.parametrize(
        ("moved", "off"), [(0, 0), (12_291, 0), (-12_291, 0), (2**16, 1), (-(2**16), -1)]
    )
    def test_up_to_the_bound_leaves_sums_exact_and_a_unit_does_not(
        self, moved: int, off: int
    ) -> None:
        assert noise_bound(300) < 12_292
        case = random_round(1)
        words = case.words().copy()
        words[:, 0] += np.uint64(moved % 2**64)
        assert case.opened(words.tobytes()) == [plain(case.x, case.values)[0] + off]

    @staticmethod
    def phase(key: SecretKey, residues: NDArray[np.uint64]) -> int:
        """The constant coefficient of c0 + c1 s, from -q / 2 to q / 2."""
        row = key.constant_row().view(np.int64).astype(object)
        found = [
            int(c0[0]) + int(c1.astype(object) @ row) for c0, c1 in zip(*residues, strict=True)
        ]
        return whole(found, EXACT_RING.primes)


def scaled(value: int) -> int:
    """What a sum is in a phase without noise, rounded."""
    return (value * prod(EXACT_RING.primes) + (1 << EXACT_BITS - 1)) >> EXACT_BITS


class TestPrivacy:
    def test_every_round_has_new_keys(self) -> None:
        sums, seed = exact(1, 1), new_seed()
        one, two = Owner(sums, seed), Owner(sums, seed)
        assert one.encryptor.stored() != two.encryptor.stored()
        assert one.public()[:32] != two.public()[:32]

    def test_the_same_sums_are_sent_differently_each_time(self) -> None:
        case = random_round()
        again, masks = finish(case.keys, [case.partial])
        assert (case.words() != np.frombuffer(again, "<u8").reshape(2, -1)).all()
        assert not set(masks) & set(case.masks)

    def test_what_is_sent_does_not_follow_from_columns_and_ciphertexts(self) -> None:
        # Without the fresh zero, the owner would find a column by trying: it knows c1 of its own.
        case, context = random_round(), seal.context(EXACT_RING)
        for words, total in zip(case.words(), case.partial.totals, strict=True):
            product = context.residues(context.transformed_back(total))
            guessed = Cut(EXACT_RING.primes)(product[1])
            off = (words[1:] - guessed).view(np.int64)
            assert (np.abs(off.astype(np.float64)) > 2**50).mean() > 0.99

    def test_the_uniform_half_of_a_public_key_depends_on_the_other_party(self) -> None:
        case = Round(Sums(2, 3, 0), np.array([[1, 2], [3, 4], [5, 6]]), np.array([1, 0, -1]))
        other = PublicKeys(case.sums, case.public, new_seed())
        masked, masks = finish(other, [case.partial])  # under no key that the owner has
        with pytest.raises(ValueError, match="a sum is not within"):
            unmask(case.sums, case.owner.open(masked), masks)

    def test_a_key_opens_its_sums_once(self) -> None:
        case = random_round()
        case.owner.open(case.masked)
        with pytest.raises(ValueError, match="the keys of a round open its sums once"):
            case.owner.open(case.masked)

    def test_chosen_sums_read_30_coefficients_of_a_key_each(self) -> None:
        secret = chosen_sums(Owner(exact(SUMS_PER_KEY, 5), new_seed()), SUMS_PER_KEY)
        assert len(secret) == 30 * SUMS_PER_KEY == 480

    def test_without_the_limit_137_chosen_sums_read_the_values(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for module in (parameters, owners):
            monkeypatch.setattr(module, "SUMS_PER_KEY", 137)
        owner, values = Owner(exact(137, 5), new_seed()), np.array([3, -1, 4, -1, 5])
        (block,) = blocks(owner.encryptor, values)
        row = np.array(chosen_sums(owner, 137)[:DEGREE])
        context = seal.context(EXACT_RING)
        ciphertext = context.residues(context.transformed_back(received(EXACT_RING, block)))
        secret = np.concatenate([row[:1], -row[:0:-1]])
        opened = []
        for place in range(len(values)):  # coefficient `place` of c0 + c1 s
            shifted = np.concatenate([secret[place::-1], -secret[:place:-1]]).astype(object)
            residues = [
                int(c0[place]) + int(c1.astype(object) @ shifted)
                for c0, c1 in zip(*ciphertext, strict=True)
            ]
            phase = whole(residues, EXACT_RING.primes)
            opened.append(round(phase * 2**EXACT_BITS / prod(EXACT_RING.primes)))
        assert opened == values.tolist()


def chosen_sums(owner: Owner, count: int) -> list[int]:
    """A cheating party has digits to base 3 opened: the row by which c1 is multiplied."""
    unit, digits = 1 << 64 - (EXACT_BITS + 1), 30
    words = np.zeros((count, 1 + DEGREE), np.uint64)
    for number in range(count):
        for digit in range(min(digits, DEGREE - number * digits)):
            words[number, 1 + number * digits + digit] = unit * 3**digit
            words[number, 0] += np.uint64(unit * 3**digit)
    found = list[int]()
    for answer in np.frombuffer(owner.open(words.tobytes()), "<u8").tolist():
        found += [answer // 3**digit % 3 - 1 for digit in range(digits)]
    return found


@pytest.fixture(scope="module")
def case() -> Round:
    return random_round(SUMS_PER_KEY + 1, 5500)


class TestRefusals:
    def test_of_values_beyond_the_declared_range(self, case: Round) -> None:
        least, most = case.sums.value_range
        for wrong in (most + 1, least - 1):
            with pytest.raises(ValueError, match="a value is not within"):
                case.owner.encrypt(np.array([0, wrong]))
        for rows in (0, 5501):
            with pytest.raises(ValueError, match=r"a block of \d+ rows is not of 1 to 5500"):
                case.owner.encrypt(np.zeros(rows, np.int64))

    def test_of_columns_that_are_not_as_declared(self, case: Round) -> None:
        for wrong in (LARGEST + 1, -LARGEST - 1):
            x = np.zeros((3, SUMS_PER_KEY + 1), np.int64)
            x[1, 1] = wrong
            with pytest.raises(ValueError, match="an integer of a column is not within 16384"):
                Columns(x, case.sums, BLOCK_ROWS)
        for shape in ((3, SUMS_PER_KEY), (0, SUMS_PER_KEY + 1), (5501, SUMS_PER_KEY + 1)):
            with pytest.raises(ValueError, match="are no part of 5500 rows of 17 columns"):
                Columns(np.zeros(shape, np.int64), case.sums, BLOCK_ROWS)

    def test_of_a_seed_of_another_length(self, case: Round) -> None:
        for wrong in (b"", bytes(31), bytes(33)):
            with pytest.raises(ValueError, match="a seed has 32 bytes"):
                Owner(case.sums, wrong)

    def test_of_messages_of_another_length(self, case: Round) -> None:
        answers = bytes(case.sums.answer_bytes)
        reads: list[tuple[Callable[[bytes], object], bytes, str]] = [
            (
                lambda data: PublicKeys(case.sums, data, case.seed),
                case.public,
                "2 public keys have",
            ),
            (lambda data: case.columns.multiply([data]), case.blocks[0], "5000 rows under 2 keys"),
            (case.owner.open, case.masked, "17 masked sums have 557192 bytes"),
            (
                lambda data: unmask(case.sums, data, case.masks),
                answers,
                "17 answers have 136 bytes",
            ),
        ]
        for read, message, said in reads:
            for wrong in (b"", message[:-1], message[:40], message + bytes(1), message * 2):
                with pytest.raises(ValueError, match=rf"{said}.*, not {len(wrong)}$"):
                    read(wrong)

    def test_of_more_or_fewer_blocks(self, case: Round) -> None:
        with pytest.raises(ValueError, match="1 of 2 blocks of ciphertexts are missing"):
            case.columns.multiply(case.blocks[:1])
        with pytest.raises(ValueError, match="there are more than 2 blocks of ciphertexts"):
            case.columns.multiply([*case.blocks, case.blocks[0]])

    def test_of_residues_not_below_their_prime(self, case: Round) -> None:
        wrong = b"\xff" * len(case.blocks[0])
        with pytest.raises(ValueError, match="a residue of a polynomial is not below its prime"):
            case.columns.multiply([wrong, case.blocks[1]])
        wrong = b"\xff" * len(case.public[32:])
        with pytest.raises(ValueError, match="a residue of a polynomial is not below its prime"):
            PublicKeys(case.sums, case.public[:32] + wrong, case.seed)

    def test_of_answers_that_are_no_sums(self, case: Round) -> None:
        too_long = np.full(17, 1 << EXACT_BITS + 1, "<u8").tobytes()
        with pytest.raises(ValueError, match="an answer has more than 49 bits"):
            unmask(case.sums, too_long, case.masks)
        sums = Sums(1, 10, 3)
        far = np.array([1 << EXACT_BITS - 1], "<u8").tobytes()
        with pytest.raises(ValueError, match="a sum is not within 1310640 of zero, as 10 rows"):
            unmask(sums, far, [0])

    def test_of_ciphertexts_that_cancel_out(self) -> None:
        # The same ciphertext for two polynomials whose columns are opposite.
        x = np.repeat([[1], [-1]], DEGREE, axis=0)
        sums = exact(1, len(x))
        owner = Owner(sums, new_seed())
        block = owner.encrypt(np.ones(DEGREE, np.int64))
        with pytest.raises(ValueError, match="ciphertexts cannot be added"):
            Columns(x, sums, 2 * DEGREE).multiply([block + block])
