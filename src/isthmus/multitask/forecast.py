"""Forecast of rows, bytes and traffic of a job, from the first rows of its data."""

from collections.abc import Mapping

from rich.filesize import decimal

from isthmus.core.errors import SpecError
from isthmus.multitask.data import Data
from isthmus.multitask.networks import Network, parts_of, row_dimension
from isthmus.multitask.spec import Multitask
from isthmus.multitask.statistics import HeadStatistics, head_statistics
from isthmus.paramserver.kernels.records import HEAD
from isthmus.paramserver.optimizers import Layout
from isthmus.paramserver.spec import in_bytes

_KEY = 2 + 8
"""Bytes of a key: feature and id."""

_COUNT = 4

_OF_INDEX = 12
"""Bytes of an entry of the index, of which about three in four are taken."""


def facts(spec: Multitask, data: Data) -> Mapping[str, object]:
    """Forecast rows, bytes and traffic.

    Args:
        spec: The `[multitask]` table.
        data: The data of the job.

    Returns:
        Sentences by name; those about size are missing where the data are a pipe.

    Raises:
        SpecError: The data are not as the job says, or a shard has too little memory for one row.
    """
    columns = f"{len(spec.features):,}: {', '.join(spec.features)}"
    found = head_statistics(spec, data.train)
    if found is None:
        return {"columns": columns, "rows": "not known: they come through a pipe"}
    rows = sum(each.rows for each in found.features.values()) + len(found.features)
    width = Layout(row_dimension(spec), spec.server.rows).width
    size = bytes_of(width, rows)
    _check_memory(spec, width)
    told = "" if found.exact and found.read == found.rows else f", from the first {found.read:,}"
    return {
        "rows": f"{'' if found.exact else 'about '}{found.rows:,}",
        "columns": columns,
        **{f"label of {name}": _label(found, name) for name in spec.tasks},
        "table": f"about {rows:,} rows, {decimal(size)} in {spec.server.shards} shard"
        f"{'s' if spec.server.shards > 1 else ''}{told}",
        "traffic": f"about {decimal(traffic(spec, found))} between workers and shards{told}",
    }


def traffic(spec: Multitask, found: HeadStatistics) -> int:
    """Forecast what passes between workers and shards.

    A window asks for each of its keys once, gets its row, and brings it back; so it does with the
    layers.

    Args:
        spec: The `[multitask]` table.
        found: Statistics of the data.

    Returns:
        Bytes.
    """
    row = 4 * Layout(row_dimension(spec), spec.server.rows).width
    keys = sum(each.in_window for each in found.features.values()) + len(found.features)
    number = 4 * Layout(1, spec.server.dense).width
    layers = parts_of(Network(spec)).size
    windows = -(-found.trained * spec.epochs // spec.server.exchange_every)
    return windows * (keys * (2 * _KEY + _COUNT + 1 + 2 * row) + layers * (1 + 2 * number))


def bytes_of(width: int, rows: int) -> int:
    """Returns the memory of rows of so many numbers."""
    return rows * (4 * (HEAD + width) + _OF_INDEX)


def _label(found: HeadStatistics, task: str) -> str:
    label = found.labels[task]
    if not label.labelled:
        return f"none in the first {found.read:,} rows"
    return f"{label.labelled:.1%} of the rows have it, {label.positive:.2%} of these are 1"


def _check_memory(spec: Multitask, width: int) -> None:
    memory = spec.server.memory
    if memory is not None and in_bytes(memory) < bytes_of(width, 1):
        raise SpecError(
            f'`multitask.server.memory` is "{memory}", too little for one row per id: a shard '
            f"takes {decimal(bytes_of(width, 1))} at least."
        )
