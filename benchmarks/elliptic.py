"""HEU's elliptic-curve ElGamal, which isthmus does not offer: the rival of its ciphers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from heu import numpy as hnp
from heu import phe

from isthmus.crypto.scheme import Codes

PLAINTEXT_BITS = 32
"""Magnitudes of this many bits are found by search; there are no larger ones."""

CIPHERTEXT_BYTES = 64
"""Two points of Ed25519."""

_KEY_BITS = 256


class EllipticKey:
    """A private key and its public half."""

    def __init__(self) -> None:
        """Make a fresh key, and its table of plaintexts."""
        self._kit: Any = hnp.setup(phe.SchemaType.ElGamal, _KEY_BITS)

    def encrypt(self, values: Sequence[int]) -> Any:
        """Fresh encryptions of signed integers."""
        plain = self._kit.array(np.array(values, object), phe.BigintEncoderParams())
        return self._kit.encryptor().encrypt(plain)

    def bucket_sums(self, rows: Any, codes: Codes, buckets: int) -> Any:
        """Encrypted sums by bucket of each column."""
        everyone, cumulative = np.ones((1, len(codes)), np.int8), False
        evaluator = self._kit.evaluator()
        return evaluator.feature_wise_bucket_sum(rows, everyone, codes, buckets, cumulative)[:, 0]

    def decrypt(self, ciphertexts: Any) -> list[int]:
        """The signed integers; it takes longer for larger ones."""
        plain = self._kit.decryptor().decrypt(ciphertexts)
        values: list[int] = plain.to_numpy(phe.BigintDecoder()).tolist()
        return values
