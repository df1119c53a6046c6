"""Reproducible random generators. Not for secrets: keys and masks use `secrets`."""

import hashlib

import numpy as np


def generator(seed: int, *purpose: str) -> np.random.Generator:
    """Returns a generator for one purpose of a job; those of other purposes are independent.

    Args:
        seed: The job's seed, which all parties know.
        *purpose: What the numbers are for, for example `"split"`.

    Returns:
        Numpy's default generator, seeded by both.
    """
    material = "\x1f".join((str(seed), *purpose)).encode()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(material).digest()))
