"""Reproducible randomness. Nothing secret may come from here: keys and masks use `secrets`."""

import hashlib

import numpy as np


def generator(seed: int, *purpose: str) -> np.random.Generator:
    """A generator for one purpose of a job; different purposes are independent of each other.

    Args:
        seed: The job's seed, which all parties know.
        *purpose: What the numbers are for, for example `"split"`.

    Returns:
        Numpy's default generator, seeded by both.
    """
    material = "\x1f".join((str(seed), *purpose)).encode()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(material).digest()))
