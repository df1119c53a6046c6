"""Forecast of rows, bytes and traffic of a job, from the first rows of its data."""

from collections.abc import Mapping

import torch
from rich.filesize import decimal

from isthmus.core.errors import SpecError
from isthmus.multitask.data import Data
from isthmus.multitask.feed.statistics import HeadStatistics, head_statistics
from isthmus.multitask.network.networks import Network, parts_of, row_dimension
from isthmus.multitask.spec import Multitask, sparse_features
from isthmus.multitask.training import rule_of
from isthmus.paramserver.spec import in_bytes
from isthmus.paramserver.tables.optimizers import Layout
from isthmus.paramserver.tables.table import Table

_KEY = 2 + 8
"""Bytes of a key: feature and id."""

_COUNT = 4


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
    size = memory(spec, found)
    told = "" if found.exact and found.read == found.rows else f", from the first {found.read:,}"
    return {
        "rows": f"{'' if found.exact else 'about '}{found.rows:,}",
        "columns": columns,
        **{f"label of {name}": _label(found, name) for name in spec.tasks},
        "table": f"about {rows:,} rows, {decimal(size)} in {spec.server.shards} shard"
        f"{'s' if spec.server.shards > 1 else ''}{told}",
        "layers": f"{layers(spec):,} numbers, {decimal(layers_memory(spec))} with what their "
        "optimizer remembers; each worker has a copy",
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
    dense = layers(spec) + 2 * layers_memory(spec)
    windows = -(-found.trained * spec.epochs // spec.server.exchange_every)
    return windows * (keys * (2 * _KEY + _COUNT + 1 + 2 * row) + dense)


def layers(spec: Multitask) -> int:
    """Returns how many numbers the layers have."""
    with torch.device("meta"):  # without memory for them
        return parts_of(Network(spec)).size


def layers_memory(spec: Multitask) -> int:
    """Returns the bytes of all numbers of the layers, those of their optimizer included."""
    return 4 * Layout(1, spec.server.dense).width * layers(spec)


def memory(spec: Multitask, found: HeadStatistics) -> int:
    """Forecast what all shards take: whole segments of rows, and their indexes.

    Args:
        spec: The `[multitask]` table.
        found: Statistics of the data.

    Returns:
        Bytes.

    Raises:
        SpecError: The bound on memory is too low for any row.
    """
    shards, features = spec.server.shards, found.features.values()
    rows = sum(each.rows for each in features) + len(features)
    waiting = sum(each.waiting for each in features)
    bound = None if spec.server.memory is None else in_bytes(spec.server.memory)
    rules = [rule_of(feature) for feature in sparse_features(spec).values()]
    table = Table(Layout(row_dimension(spec), spec.server.rows), rules, 0, memory=bound)
    size = table.bytes_for(-(-rows // shards), -(-waiting // shards))
    least = table.bytes_for(1, 0)
    if bound is None:
        return shards * size
    if bound < least:
        raise SpecError(
            f'`multitask.server.memory` is "{spec.server.memory}", too little for one row per id: '
            f"a shard takes {-(-least // 2**10):,} KiB at least."
        )
    return shards * min(size, bound)


def peak(spec: Multitask, data: Data) -> int:
    """Forecast the memory that all processes of a run take at most.

    Args:
        spec: The `[multitask]` table.
        data: The data of the job.

    Returns:
        Bytes of the programs, tables, layers, windows, and rows of simpler models; those of a pipe
        are not known, and so left out.
    """
    server = spec.server
    processes = 1 if server.engine == "local" else 1 + server.shards + server.workers
    taken = _PROGRAM + (processes - 1) * _PROCESS + (1 + server.workers) * layers_memory(spec)
    found = head_statistics(spec, data.train, _FEW)
    if found is None:
        return taken
    compared = min(spec.compare_rows, found.rows)
    return taken + memory(spec, found) + _COMPARED * len(spec.features) * compared


_PROGRAM = 660 * 10**6
_PROCESS = 400 * 10**6
_FEW = 20_000
"""Rows that are read for a forecast at the beginning of every run."""

_COMPARED = 160
"""Bytes of a feature of a row in simpler models, which are trained after the first."""


def _label(found: HeadStatistics, task: str) -> str:
    label = found.labels[task]
    if not label.labelled:
        return f"none in the first {found.read:,} rows"
    return f"{label.labelled:.1%} of the rows have it, {label.positive:.2%} of these are 1"
