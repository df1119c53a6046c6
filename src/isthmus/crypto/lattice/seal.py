"""The door to Microsoft SEAL: the only file that imports `tenseal.sealapi`.

The first use in a process encrypts and decrypts known values, since the bytes of SEAL's objects,
which `seal_files.py` writes and reads, are no promise of SEAL's.
"""
# tenseal has no types.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from functools import cache
from importlib.metadata import version
from typing import Any, NoReturn

import numpy as np

from isthmus.core.errors import SpecError
from isthmus.crypto.lattice.parameters import EXACT_RING, Ring
from isthmus.crypto.lattice.seal_context import Context

VERSION = "0.3.18"
"""The version of tenseal that `seal_files.py` knows the bytes of."""


@cache
def context(ring: Ring) -> Context:
    """Set SEAL up, once for each ring in a process.

    Args:
        ring: The parameters.

    Returns:
        SEAL with these parameters.

    Raises:
        SpecError: tenseal is not installed, or does not compute what this file expects.
    """
    return Context(ring, load_engine())


@cache
def load_engine() -> Any:
    """Load and test SEAL.

    Returns:
        The module `tenseal.sealapi`.

    Raises:
        SpecError: It is missing, or computes something else.
    """
    try:
        found = version("tenseal")
        if found != VERSION:
            _refuse(f"version {found} is installed")
        import tenseal.sealapi as engine  # noqa: PLC0415 - it is not installed everywhere

        _test(Context(EXACT_RING, engine))
    except (ImportError, AttributeError, TypeError, ValueError, RuntimeError, OSError) as error:
        missing = isinstance(error, ImportError)
        raise SpecError(
            f'the scheme "bfv" needs tenseal {VERSION}, and '
            f"{'it is not installed here' if missing else f'it does not work here ({error})'}. Run "
            f'`pip install tenseal=={VERSION}`, or set scheme = "okamoto-uchiyama" in the job.'
        ) from error
    return engine


def _test(tested: Context) -> None:
    """Refuse an engine that does not compute what this file expects, by known values."""
    coefficients = np.zeros(tested.ring.degree, np.int64)
    coefficients[:2] = 3, -2
    key = tested.secret_key(tested.secret_residues(tested.new_secret_key()))
    fresh, seed = tested.fresh(tested.encryptor(key), tested.plaintext(coefficients))
    ciphertext = tested.transform(tested.seeded(fresh, seed))
    coefficients[:2] = 5, 0
    product = tested.product(ciphertext, tested.factor(tested.plaintext(coefficients)))
    again = tested.ciphertext(tested.residues(tested.transformed_back(product)))
    opened = tested.decrypt(tested.decryptor(key), again).to_string()
    expected = f"{tested.ring.plain - 10:X}x^1 + F"
    if opened != expected:
        _refuse("known values come out wrong")


def _refuse(reason: str) -> NoReturn:
    raise ValueError(reason)
