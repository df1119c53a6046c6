"""Too little memory for layers or batches, as a sentence."""

from collections.abc import Generator
from contextlib import contextmanager

import torch

from isthmus.core.errors import OutOfMemoryError


@contextmanager
def shortage_is_error() -> Generator[None]:
    """Turn the errors of NumPy and PyTorch for want of memory into one that says what to do.

    Yields:
        Nothing.

    Raises:
        OutOfMemoryError: There is too little memory: a MemoryError, or the RuntimeError of PyTorch.
        RuntimeError: PyTorch failed for another reason.
    """
    try:
        yield
    except MemoryError:
        raise OutOfMemoryError(_sentence("memory")) from None
    except torch.OutOfMemoryError:
        raise OutOfMemoryError(_sentence("memory on the CUDA device")) from None
    except RuntimeError as error:
        if "allocate memory" not in str(error):
            raise
        raise OutOfMemoryError(_sentence("memory")) from None


def _sentence(of: str) -> str:
    return (
        f"there is too little {of} for the layers and batches: lower `hidden`, `experts`, "
        "`dimension`, `batch_rows` or `server.exchange_every` of [multitask]. The last snapshot, "
        "if there is one, is kept."
    )
