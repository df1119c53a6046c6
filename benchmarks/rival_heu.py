"""SecretFlow's HEU, in an environment of its own: what its ciphers do in a CPU second."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from heu import numpy as hnp
from heu import phe

_SCHEMAS = {
    "okamoto-uchiyama": phe.SchemaType.OU,
    "paillier": phe.SchemaType.ZPaillier,
    "EC-ElGamal Ed25519": phe.SchemaType.ElGamal,
}


class Cipher:
    """A private key and its public half."""

    def __init__(self, scheme: str, bits: int) -> None:
        """Make a fresh key."""
        self._kit: Any = hnp.setup(_SCHEMAS[scheme], bits)

    def encrypt(self, values: list[int]) -> Any:
        """Fresh encryptions of signed integers."""
        plain = self._kit.array(np.array(values, object), phe.BigintEncoderParams())
        return self._kit.encryptor().encrypt(plain)

    def bucket_sums(self, rows: Any, codes: Any, buckets: int) -> Any:
        """Encrypted sums by bucket of each column."""
        everyone, cumulative = np.ones((1, len(codes)), np.int8), False
        evaluator = self._kit.evaluator()
        return evaluator.feature_wise_bucket_sum(rows, everyone, codes, buckets, cumulative)[:, 0]

    def decrypt(self, ciphertexts: Any) -> list[int]:
        """The signed integers."""
        plain = self._kit.decryptor().decrypt(ciphertexts)
        return list(plain.to_numpy(phe.BigintDecoder()).tolist())


def once(cipher: Cipher, values: list[int], codes: Any, buckets: int) -> tuple[float, ...]:
    """Encryptions, additions and decryptions in a CPU second."""
    encrypting, rows = timed(lambda: cipher.encrypt(values))
    adding, sums = timed(lambda: cipher.bucket_sums(rows, codes, buckets))
    decrypting, _ = timed(lambda: cipher.decrypt(sums))
    return len(values) / encrypting, codes.size / adding, sums.rows / decrypting


def wait(cipher: Cipher, value: int, count: int) -> float:
    """CPU seconds to decrypt one ciphertext of a value."""
    rows = cipher.encrypt([value] * count)
    return timed(lambda: cipher.decrypt(rows))[0] / count


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of some work, and what came of it."""
    work()  # once before: the first call starts threads and fills tables
    began = time.process_time()
    done = work()
    return time.process_time() - began, done


def drawn(asked: dict[str, Any]) -> tuple[list[int], Any]:
    """The values and codes of `heu.Asked`."""
    most, shape = 1 << asked["value_bits"], (asked["rows"], asked["columns"])
    values = np.random.default_rng(asked["seed"]).integers(-most, most, size=asked["rows"])
    codes = np.random.default_rng(asked["seed"]).integers(asked["buckets"], size=shape)
    return [int(value) << asked["shift"] for value in values], codes.astype(np.int8)


def main() -> None:
    """Measure what the first argument asks for, and leave it in the working folder."""
    asked = json.loads(sys.argv[1])
    values, codes = drawn(asked)
    found = []
    for scheme, bits in asked["keys"]:
        cipher = Cipher(scheme, bits)
        tries = [once(cipher, values, codes, asked["buckets"]) for _ in range(asked["tries"])]
        found.append(
            {
                "rates": [median(each) for each in zip(*tries, strict=True)],
                "waits": [wait(cipher, 2**size, asked["buckets"]) for size in asked["plain_bits"]],
            }
        )
    Path("cost.json").write_text(json.dumps({"ciphers": found}))


if __name__ == "__main__":
    main()
