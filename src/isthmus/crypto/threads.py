"""A map over threads on all cores, for libraries that release the interpreter lock (GIL)."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import chain
from typing import TypeVar

from isthmus.crypto.integers import release_lock

_T = TypeVar("_T")
_U = TypeVar("_U")


def spread(work: Callable[[_T], _U], items: Sequence[_T], chunk: int) -> list[_U]:
    """Map a function over items, in chunks over threads; one single chunk needs no thread.

    Args:
        work: The function of one item.
        items: The items in order.
        chunk: Number of items of a chunk: enough to be worth a thread.

    Returns:
        The results, in order.
    """

    def work_on(part: Sequence[_T]) -> list[_U]:
        return [work(item) for item in part]

    if len(items) <= chunk:
        return work_on(items)
    parts = [items[start : start + chunk] for start in range(0, len(items), chunk)]
    return list(chain.from_iterable(_pool().map(work_on, parts)))


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), "crypto", initializer=release_lock)
