"""Trees of keys of which the other party grows all leaves but one: all-but-one oblivious transfer.

One party grows 128 trees of 64 leaves from secret roots. The other one has a number below 64 for
each tree, which it has chosen by its bits in oblivious transfers, and gets all leaves but that of
its number. It checks that all trees fit, so that whoever grew them cannot learn a number from what
goes wrong later.

Source: Goldreich, Goldwasser and Micali 1986, "How to construct random functions"; Roy 2022,
"SoftSpokenOT", section 5 and figure 12 (the proof over all leaves); Guo et al. 2020, "Efficient and
secure multiparty computation from fixed-key block ciphers" (AES of a fixed key, with a tweak).
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Integers
from isthmus.crypto.oblivious.base_transfers import KEY_BYTES
from isthmus.crypto.oblivious.bits import Bytes
from isthmus.crypto.oblivious.code import COLUMNS
from isthmus.crypto.oblivious.fixed_key import fixed_key_hash

LEVELS = 6
"""Bits of a number."""

LEAVES = 1 << LEVELS
"""Leaves of a tree."""

TRANSFERS = COLUMNS * LEVELS
"""Oblivious transfers that the trees take: one for each level of each tree."""

_WITNESS_BYTES = 2 * KEY_BYTES
_PROOF_BYTES = 32
_SUMS = COLUMNS * LEVELS * 2 * KEY_BYTES
_TOTALS = COLUMNS * _WITNESS_BYTES

GROWN_BYTES = _SUMS + _TOTALS + COLUMNS * _PROOF_BYTES
"""Bytes that the other party needs to grow its leaves."""

_GROW, _USE = 0, 1  # what a node is for: tweaks of the two must differ


def grow(pairs: Sequence[tuple[bytes, bytes]], seed: bytes) -> tuple[Bytes, bytes]:
    """Grow all trees.

    Args:
        pairs: Two keys for each level of each tree, from the oblivious transfers.
        seed: 32 bytes of this attempt alone, which both parties have.

    Returns:
        The leaves, shape (128, 64, 16), and what the other party needs, `GROWN_BYTES`.
    """
    roots = np.frombuffer(secrets.token_bytes(COLUMNS * KEY_BYTES), np.uint8)
    nodes: Bytes = roots.reshape(COLUMNS, 1, KEY_BYTES)
    sums = np.empty((COLUMNS, LEVELS, 2, KEY_BYTES), np.uint8)
    for level in range(LEVELS):
        both = _children(nodes, seed)
        sums[:, level] = np.bitwise_xor.reduce(both, axis=1)
        nodes = both.reshape(COLUMNS, -1, KEY_BYTES)
    keys = np.frombuffer(b"".join(key for pair in pairs for key in pair), np.uint8)
    leaves, witness = _leaves(nodes, seed)
    totals = np.bitwise_xor.reduce(witness, axis=1)
    hidden = (sums ^ keys.reshape(sums.shape)).tobytes()
    return leaves, hidden + totals.tobytes() + _proof(witness, seed)


def sides(numbers: Integers) -> NDArray[np.int64]:
    """Returns the side to choose at each level of each tree, shape (128, 6): off the path."""
    shifts = np.arange(LEVELS - 1, -1, -1)
    return 1 - (numbers[:, None] >> shifts & 1)


def grow_others(numbers: Integers, keys: Sequence[bytes], grown: bytes, seed: bytes) -> Bytes:
    """Grow all leaves but one of each tree.

    Args:
        numbers: The leaf of each tree that we must not know, shape (128,).
        keys: The keys that we chose by `sides`, level by level and tree by tree.
        grown: What the other party sent, `GROWN_BYTES`.
        seed: 32 bytes of this attempt alone, which both parties have.

    Returns:
        The leaves, shape (128, 64, 16); those of our numbers are zero.

    Raises:
        ValueError: The trees do not fit what was sent about them.
    """
    sums = np.frombuffer(grown[:_SUMS], np.uint8).reshape(COLUMNS, LEVELS, 2, KEY_BYTES)
    totals = np.frombuffer(grown[_SUMS : _SUMS + _TOTALS], np.uint8).reshape(COLUMNS, -1)
    chosen = np.frombuffer(b"".join(keys), np.uint8).reshape(COLUMNS, LEVELS, KEY_BYTES)
    every, nodes = np.arange(COLUMNS), np.zeros((COLUMNS, 1, KEY_BYTES), np.uint8)
    for level, side in enumerate(sides(numbers).T):
        both = _children(nodes, seed)
        unknown = numbers >> (LEVELS - level)  # the node on the path: so are both its children
        both[every, unknown] = 0
        known = np.bitwise_xor.reduce(both, axis=1)[every, side]
        both[every, unknown, side] = known ^ sums[every, level, side] ^ chosen[:, level]
        nodes = both.reshape(COLUMNS, -1, KEY_BYTES)
    leaves, witness = _leaves(nodes, seed)
    leaves[every, numbers], witness[every, numbers] = 0, 0
    witness[every, numbers] = totals ^ np.bitwise_xor.reduce(witness, axis=1)
    if not hmac.compare_digest(_proof(witness, seed), grown[_SUMS + _TOTALS :]):
        raise ValueError("the trees of keys do not fit each other")
    return leaves


def _children(nodes: Bytes, seed: bytes) -> Bytes:
    """Two children of every node: (trees, nodes, 16) -> (trees, nodes, 2, 16)."""
    tweaked = nodes ^ _tweaks(nodes, _GROW)
    left, right = (fixed_key_hash(tweaked, _fixed_key(name, seed)) for name in (b"left", b"right"))
    return np.stack([left, right], axis=2)


def _leaves(nodes: Bytes, seed: bytes) -> tuple[Bytes, Bytes]:
    """Leaves to use, and 32 bytes of each for the proof."""
    tweaked = nodes ^ _tweaks(nodes, _USE)
    use, *witness = (
        fixed_key_hash(tweaked, _fixed_key(name, seed)) for name in (b"use", b"proof 0", b"proof 1")
    )
    return use, np.concatenate(witness, axis=2)


def _tweaks(nodes: Bytes, use: int) -> Bytes:
    """Returns a tweak of every node of every tree: a guess at a key must not serve for all."""
    trees, count = nodes.shape[:2]
    tweaks = np.zeros((trees, count, 2), np.uint64)
    tweaks[:, :, 0] = np.arange(trees * count, dtype=np.uint64).reshape(trees, count)
    tweaks[:, :, 1] = count | use << 32
    return tweaks.view(np.uint8)


def _fixed_key(name: bytes, seed: bytes) -> bytes:
    return hashlib.sha256(b"isthmus tree " + name + seed).digest()[:KEY_BYTES]


def _proof(witness: Bytes, seed: bytes) -> bytes:
    """Returns a digest of each tree's leaves, 32 bytes a tree."""
    return b"".join(
        hashlib.blake2b(
            tree.tobytes(), digest_size=_PROOF_BYTES, key=seed, person=b"isthmus trees"
        ).digest()
        for tree in witness
    )
