"""The pieces of the oblivious protocol: each equals its plain definition."""

import hashlib
import secrets
from collections.abc import Callable

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from hypothesis import given
from hypothesis import strategies as st

from isthmus.core.arrays import Integers
from isthmus.crypto import curve
from isthmus.crypto.oblivious import base_transfers, corrections, okvs, trees
from isthmus.crypto.oblivious.bits import Bytes, LinearMap, Words, planes_to_rows, rows_to_planes
from isthmus.crypto.oblivious.code import COLUMNS, DISTANCE, MESSAGE_BITS, code_words
from isthmus.crypto.oblivious.corrections import Corrector
from isthmus.crypto.oblivious.row_hash import compared_bytes, row_hash
from isthmus.crypto.oblivious.trees import LEAVES, TRANSFERS
from isthmus.crypto.oblivious.vole import BLOCK, Expansion, fold_images

SEED = bytes(range(32))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def random_rows(count: int) -> Words:
    return np.frombuffer(secrets.token_bytes(16 * count), np.uint64).reshape(count, 2).copy()


def numbers_of(rows: Words) -> list[int]:
    return [int(low) | int(high) << 64 for low, high in rows]


class TestBits:
    @given(st.integers(0, 40))
    def test_planes_hold_one_bit_of_every_row(self, count: int) -> None:
        rows = random_rows(8 * count)
        planes = rows_to_planes(rows)
        bits = np.unpackbits(planes, axis=1, bitorder="little")
        for row, number in enumerate(numbers_of(rows)):
            assert [number >> bit & 1 for bit in range(128)] == bits[:, row].tolist()
        assert (planes_to_rows(planes) == rows).all()

    def test_a_linear_map_adds_the_images_of_the_bits_that_are_set(self) -> None:
        images = [secrets.randbits(128) for _ in range(64)]
        inputs = np.frombuffer(secrets.token_bytes(8 * 20), np.uint8).reshape(20, 8)
        rows = random_rows(20)
        expected = numbers_of(rows)
        for row, bits in enumerate(np.unpackbits(inputs, axis=1, bitorder="little")):
            for bit in np.flatnonzero(bits):
                expected[row] ^= images[bit]
        LinearMap(images).add(inputs, rows)
        assert numbers_of(rows) == expected


class TestCode:
    def test_has_the_generator_of_the_bch_code_and_a_parity_bit(self) -> None:
        # Lin and Costello, "Error Control Coding", table of primitive BCH codes: n 127, k 64, t 10.
        generator = 0o1206534025570773100045
        for shift, word in enumerate(code_words()):
            assert word % 2**127 == generator << shift
            assert word.bit_count() % 2 == 0
        assert len(code_words()) == MESSAGE_BITS

    @given(st.integers(1, 2**MESSAGE_BITS - 1))
    def test_words_differ_in_22_columns_at_least(self, message: int) -> None:
        total = 0
        for bit, word in enumerate(code_words()):
            total ^= word if message >> bit & 1 else 0
        assert total.bit_count() >= DISTANCE


class TestBaseTransfers:
    def test_give_the_chosen_key_of_each_pair_and_not_the_other_one(self) -> None:
        choices = [0, 1, 1, 0, 1]
        sent, keys = base_transfers.choose(choices, SEED)
        answer, pairs = base_transfers.offer(sent, SEED)
        chosen = keys(answer)
        assert chosen == [pair[choice] for pair, choice in zip(pairs, choices, strict=True)]
        assert len({key for pair in pairs for key in pair}) == 2 * len(choices)

    def test_of_another_attempt_have_other_keys(self) -> None:
        sent, keys = base_transfers.choose([0], SEED)
        answer, pairs = base_transfers.offer(sent, bytes(32))
        assert keys(answer)[0] not in pairs[0]

    @pytest.mark.parametrize("bad", [bytes(32), b"\xff" * 32])
    def test_refuse_what_is_not_a_point(self, bad: bytes) -> None:
        _, keys = base_transfers.choose([0], SEED)
        with pytest.raises(ValueError, match="not points"):
            keys(bad)
        with pytest.raises(ValueError, match="not points"):
            base_transfers.offer(b"\xff" * 32 + curve.random_point(), SEED)


def grown(numbers: Integers) -> tuple[Bytes, list[bytes], bytes]:
    """All leaves, the keys that were chosen by numbers, and what crosses."""
    pairs = [(secrets.token_bytes(16), secrets.token_bytes(16)) for _ in range(TRANSFERS)]
    leaves, sent = trees.grow(pairs, SEED)
    sides: list[int] = trees.sides(numbers).ravel().tolist()
    return leaves, [pair[side] for pair, side in zip(pairs, sides, strict=True)], sent


def secret_numbers() -> Integers:
    return np.array([secrets.randbelow(LEAVES) for _ in range(COLUMNS)])


class TestTrees:
    def test_are_grown_but_for_the_leaf_of_each_number(self) -> None:
        numbers = secret_numbers()
        leaves, keys, sent = grown(numbers)
        others = trees.grow_others(numbers, keys, sent, SEED)
        missing = np.arange(LEAVES) == numbers[:, None]
        assert (others[~missing] == leaves[~missing]).all()
        assert not others[missing].any()
        assert len(np.unique(leaves.reshape(-1, 16), axis=0)) == COLUMNS * LEAVES

    @pytest.mark.parametrize(
        "places",
        [
            pytest.param([0, 16], id="both sides of the first level of the first tree"),
            pytest.param([192 * 77 + 99, 192 * 77 + 115], id="both sides inside another tree"),
            pytest.param([-128 * 32 - 1], id="what is said of all leaves"),
            pytest.param([-1], id="the proof"),
        ],
    )
    def test_that_were_changed_are_refused(self, places: list[int]) -> None:
        numbers = secret_numbers()
        _, keys, sent = grown(numbers)
        data = bytearray(sent)
        for place in places:
            data[place] ^= 1
        with pytest.raises(ValueError, match="do not fit"):
            trees.grow_others(numbers, keys, bytes(data), SEED)


def stream(leaf: Bytes, column: int, number: int, rows: int) -> list[int]:
    """The bits of a leaf for the rows, one by one."""
    counter = column.to_bytes(2, "big") + number.to_bytes(2, "big") + bytes(12)
    data = Cipher(AES(leaf.tobytes()), CTR(counter)).encryptor().update(bytes(64))
    bits: list[int] = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little").tolist()
    return bits[:rows]


class TestVole:
    def test_is_what_its_definition_says_bit_by_bit(self) -> None:
        rows, numbers = 5, secret_numbers()
        leaves, keys, sent = grown(numbers)
        others = trees.grow_others(numbers, keys, sent, SEED)
        v, u = Expansion(leaves).folded_with_sums(rows)
        w = Expansion(others, numbers).folded(rows)

        bits = [fold_images(np.full(COLUMNS, 1 << bit)) for bit in range(6)]
        by_number = fold_images(numbers)
        for row in range(rows):
            sums, folded, corrected = 0, 0, 0
            for column in range(COLUMNS):
                for x in range(LEAVES):
                    if stream(leaves[column, x], column, x, rows)[row]:
                        sums ^= 1 << column
                        for bit in range(6):
                            folded ^= bits[bit][column] if x >> bit & 1 else 0
                if sums >> column & 1:
                    corrected ^= by_number[column]
            assert numbers_of(u)[row] == sums
            assert numbers_of(v)[row] == folded
            assert numbers_of(w)[row] == folded ^ corrected

    def test_goes_on_where_the_last_block_ended(self) -> None:
        leaves, _, _ = grown(secret_numbers())
        one, more = Expansion(leaves), Expansion(leaves)
        at_once = one.folded(1024)
        assert (np.concatenate([more.folded(512), more.folded(512)]) == at_once).all()


class TestStore:
    @pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 9, 100, 5_000])
    def test_finds_the_value_of_every_row(self, count: int) -> None:
        identifiers = [b"%d" % number for number in range(count)]
        rows = okvs.hashed(identifiers, secrets.token_bytes(32), count)
        table = okvs.filled(rows)
        assert len(table) == okvs.length(count)
        wide = np.zeros((len(table), 2), np.uint64)
        wide[:, 0] = table
        assert (okvs.looked_up(wide, rows)[:, 0] == rows.value).all()

    def test_finds_them_too_where_rows_do_not_peel(self) -> None:
        # All rows in the same three slots: the dense ones have to tell them apart.
        rows = okvs.hashed([b"%d" % number for number in range(40)], SEED, 40)
        rows.slots[:] = rows.slots[:, :1]
        table = okvs.filled(rows)
        wide = np.zeros((len(table), 2), np.uint64)
        wide[:, 0] = table
        assert (okvs.looked_up(wide, rows)[:, 0] == rows.value).all()

    def test_says_so_where_there_is_no_table(self) -> None:
        rows = okvs.hashed([b"a", b"b"], SEED, 2)
        rows.slots[:, 1], rows.dense[1] = rows.slots[:, 0], rows.dense[0]
        with pytest.raises(okvs.Unsolvable):
            okvs.filled(rows)

    def test_is_about_a_quarter_longer_than_it_has_rows(self) -> None:
        assert okvs.length(10**6) / 10**6 == pytest.approx(1.25, abs=0.02)


def tags(proof: bytes) -> set[bytes]:
    return {proof[at : at + 16] for at in range(0, len(proof), 16)}


class Pair:
    """Both sides of slots that were corrected for a table of a few rows."""

    def __init__(self, change: Callable[[Words], None] = lambda _: None) -> None:
        numbers = np.maximum(secret_numbers(), 1)  # a number of 0 takes nothing of its column
        leaves, keys, sent = grown(numbers)
        others = trees.grow_others(numbers, keys, sent, SEED)
        self.identifiers = [b"%d" % number for number in range(300)]
        rows = okvs.hashed(self.identifiers, SEED, 300)
        self.table = corrections.with_hiding(okvs.filled(rows), 300)
        slots = corrections.slots(300)
        self.ours, sums = Expansion(leaves).folded_with_sums(slots)
        corrections.add_words(self.table, corrections.encoder(), sums)
        change(sums)
        self.corrector, self.theirs = Corrector(numbers), Expansion(others, numbers).folded(slots)
        self.corrector.corrections.add(sums.view(np.uint8).reshape(-1, 16), self.theirs)
        self.rows = rows


class TestCorrections:
    def test_make_both_sides_agree_on_the_rows_of_the_table_and_on_no_others(self) -> None:
        pair = Pair()
        ours = okvs.looked_up(pair.ours, pair.rows)
        asked = okvs.hashed([*pair.identifiers, b"another"], SEED, 300)
        theirs = okvs.looked_up(pair.theirs, asked, pair.corrector.values)
        assert (ours == theirs[:-1]).all()
        assert not (row_hash(theirs[-1:], SEED) == row_hash(ours, SEED)).all(axis=1).any()

    def test_of_the_code_are_accepted(self) -> None:
        pair, challenge = Pair(), secrets.token_bytes(32)
        proof = corrections.prove(pair.table, pair.ours, challenge)
        assert len(proof) == corrections.PROOF_BYTES
        assert pair.corrector.accepts(pair.theirs, proof, challenge)
        assert not pair.corrector.accepts(pair.theirs, proof, bytes(32))

    @pytest.mark.parametrize("slots", [slice(None), slice(3, 4), slice(-1, None)])
    @pytest.mark.parametrize("columns", [1, 1 << 5, 0x0123456789ABCDEF])
    def test_that_are_not_of_the_code_are_refused(self, columns: int, slots: slice) -> None:
        def change(sums: Words) -> None:
            sums[slots] ^= np.uint64(columns)

        challenge, pair = secrets.token_bytes(32), Pair(change)
        proof = corrections.prove(pair.table, pair.ours, challenge)
        assert not pair.corrector.accepts(pair.theirs, proof, challenge)

    def test_are_whole_blocks_of_the_hash_with_rows_that_hide(self) -> None:
        for rows in (1, 2, 127, 128, 5_000):
            assert corrections.slots(rows) % 128 == 0
            assert corrections.slots(rows) >= okvs.length(rows) + 128
        assert BLOCK % 128 == 0

    def test_proofs_of_one_table_look_unlike(self) -> None:
        table = np.zeros(okvs.length(300), np.uint64)
        rows, challenge = random_rows(corrections.slots(300)), bytes(32)
        first, second = (
            corrections.prove(corrections.with_hiding(table, 300), rows, challenge)[:1024]
            for _ in range(2)
        )
        assert not tags(first) & tags(second)


class TestRowHash:
    def test_is_the_same_for_the_same_row_and_seed_alone(self) -> None:
        rows = np.array([[1, 2], [1, 2], [2, 1]], np.uint64)
        hashes = row_hash(rows, SEED)
        assert sha256(hashes.tobytes()) == "95f4c3b1ceeea7b3"
        assert (hashes[0] == hashes[1]).all()
        assert (hashes[0] != hashes[2]).any()
        assert (row_hash(rows, bytes(32)) != hashes).any()

    @pytest.mark.parametrize(
        ("ours", "theirs", "size"),
        [(1, 1, 9), (0, 5, 9), (10**6, 10**6, 10), (2**24, 2**24, 11), (2**20, 2**20, 10)],
    )
    def test_is_compared_by_as_many_bytes_as_no_two_rows_meet_in(
        self, ours: int, theirs: int, size: int
    ) -> None:
        assert compared_bytes(ours, theirs) == size
