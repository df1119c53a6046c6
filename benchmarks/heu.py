"""SecretFlow's HEU in an environment of its own: how fast its ciphers are."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks import rivals

HEU = "sf-heu==0.5.2b0"


class Asked(msgspec.Struct, frozen=True):
    """What HEU is asked to do. It draws the same values and codes: see `values` and `codes`."""

    keys: list[tuple[str, int]]
    """Scheme and bits of each key."""

    rows: int
    columns: int
    buckets: int
    tries: int
    value_bits: int
    """Of the magnitude of a value."""

    shift: int = 0
    """Zeros below these bits."""

    plain_bits: Sequence[int] = ()
    """Of plaintexts whose decryption is timed one by one."""

    seed: int = 7

    def values(self) -> list[int]:
        """The plaintexts of the rows."""
        most = 1 << self.value_bits
        drawn = np.random.default_rng(self.seed).integers(-most, most, size=self.rows)
        return [int(value) << self.shift for value in drawn]

    def codes(self) -> NDArray[np.int8]:
        """The bucket of each row in each column."""
        random = np.random.default_rng(self.seed)
        return random.integers(self.buckets, size=(self.rows, self.columns)).astype(np.int8)


class Speed(msgspec.Struct, frozen=True):
    """How fast a cipher is."""

    rates: tuple[float, float, float]
    """Encryptions, additions and decryptions in a CPU second."""

    waits: list[float]
    """CPU seconds to decrypt a plaintext, by the sizes that were asked for."""


class Speeds(msgspec.Struct, frozen=True):
    """What HEU leaves in cost.json."""

    ciphers: list[Speed]


TimeHeu = Callable[[Asked], Sequence[Speed]]


def time_heu(asked: Asked) -> Sequence[Speed]:
    """Let HEU compute in an environment of its own.

    Args:
        asked: What it does.

    Returns:
        How fast each key was.

    Raises:
        SpecError: It cannot be installed, or failed.
    """
    program = Path(__file__).with_name("rival_heu.py")
    with rivals.installed(HEU) as python:
        settings = msgspec.json.encode(asked).decode()
        (found,) = rivals.play(python, program, [[settings]], Speeds, rivals.PATIENCE)
    return found.ciphers
