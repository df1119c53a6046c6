"""Queues of samples, one per task: when a queue is full, its samples are a batch."""

import msgspec


class QueueReport(msgspec.Struct, frozen=True):
    """What a queue did."""

    flushes: int
    """Batches that it gave."""

    waited: int
    """Most samples that were read while one waited in the queue."""

    trained: int
    """Samples in its batches."""
