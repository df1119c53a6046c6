"""The model of a finished run as files that need no isthmus.

| file                 | what it is                                                             |
|----------------------|------------------------------------------------------------------------|
| model.onnx           | inputs `vectors` (batch, vectors, numbers of a row) and `numbers`       |
|                      | (batch, amounts); output `probabilities` (batch, tasks)                 |
| model.safetensors    | the same layers, for `networks.Network` of PyTorch                      |
| feature-0003.parquet | rows of the ids of a feature: `id` and `vector`; id -1 is the row of    |
|                      | every id that has none                                                 |
| evicted.parquet      | with `since`: ids whose rows to remove, before rows are set             |
| features.json        | how cells become ids and amounts, and digests of all files              |

An export since a snapshot has only rows that changed after it, and all layers. So an export and
those since its snapshot are, taken together, the export of the latest of them.
"""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import pyarrow as pa
import torch
from pyarrow import parquet
from safetensors import torch as tensors

from isthmus.core.errors import SpecError
from isthmus.multitask import model_file
from isthmus.multitask.model_file import Model
from isthmus.multitask.negatives import corrections
from isthmus.multitask.network import networks
from isthmus.multitask.network.to_onnx import to_onnx
from isthmus.multitask.spec import Feature, Multitask, Task, sparse_features
from isthmus.outcomes import Exported
from isthmus.paramserver.window import DEFAULT, Float32s, Int64s
from isthmus.store import atomic

_LAYERS, _ONNX = "model.safetensors", "model.onnx"
_FEATURES, _EVICTED = "features.json", "evicted.parquet"
_ROWS_AT_ONCE = 2**16

_HASH = (
    "FNV-1a of 64 bits over the UTF-8 bytes of the value, whole numbers in decimal; then "
    "MurmurHash3's last step: twice h = (h ^ h >> 33) * factor, with the factors "
    "0xff51afd7ed558ccd and 0xc4ceb9fe1a85ec53, and h ^ h >> 33, without its highest bit; with "
    "`buckets`, the remainder by that. An empty cell has id -1"
)


class ExportedFeature(msgspec.Struct, frozen=True):
    """A feature whose ids have rows."""

    name: str
    number: int
    file: str
    rows: int
    """Rows in the file."""

    feature: Feature
    """As in the job: how cells become ids, and ids one vector."""


class ExportedAmount(msgspec.Struct, frozen=True):
    """A feature that is an amount."""

    name: str
    feature: Feature


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """The file `features.json`."""

    format: Literal[1] = 1
    snapshot: int
    since: int | None
    model: str
    sharing: str
    row: int
    """Numbers of a row."""

    vectors: list[ExportedFeature]
    """In the order of the input `vectors`."""

    numbers: list[ExportedAmount]
    """In the order of the input `numbers`."""

    tasks: dict[str, Task]
    """In the order of the output."""

    negatives: float
    """Share of the samples without any positive label that were trained on."""

    shifts: dict[str, float]
    """What is added to the logit of a task because of that: in `model.onnx`, not in the layers."""

    hash: str = _HASH
    """How values of features of kind `hash` become ids."""

    sha256: dict[str, str]
    """Of every other file."""


def export(folder: Path, into: Path, since: int | None) -> Exported:
    """Write a model as files that need no isthmus.

    Args:
        folder: The folder of the model.
        into: An empty folder.
        since: Number of a snapshot: only rows that changed after it.

    Returns:
        What was written.

    Raises:
        SpecError: There is no model, or the snapshot is later than it.
    """
    model = model_file.read(folder)
    if since is not None and since > model.snapshot:
        raise SpecError(
            f"{folder}: the model is snapshot {model.snapshot}, so nothing changed since snapshot "
            f"{since}. Give a number up to {model.snapshot}."
        )
    _write_layers(model, into)
    features = [_write_feature(model, into, name, since) for name in _in_order(model)]
    evicted = 0 if since is None else _write_evicted(model, into / _EVICTED, since)
    files = sorted(path.name for path in into.iterdir())
    contents = _contents(model, features, since, {name: _digest(into / name) for name in files})
    atomic.write(into / _FEATURES, msgspec.json.format(msgspec.json.encode(contents)) + b"\n")
    return Exported(
        files=(*files, _FEATURES),
        rows=sum(feature.rows for feature in features),
        snapshot=model.snapshot,
        since=since,
        evicted=evicted,
    )


def _in_order(model: Model) -> list[str]:
    order = networks.order_of(model.description.spec)
    return [*order.single, *order.lists]


def _write_layers(model: Model, into: Path) -> None:
    spec = model.description.spec
    network = networks.Network(spec)
    networks.with_numbers(network, torch.tensor(model.dense))
    layers = {name: it.clone().contiguous() for name, it in network.state_dict().items()}
    atomic.write(into / _LAYERS, tensors.save(layers))
    order = networks.order_of(spec)
    shape = (order.vectors, networks.row_dimension(spec), len(order.amounts))
    atomic.write(into / _ONNX, to_onnx(networks.Predictor(spec, network), shape))


def _write_feature(model: Model, into: Path, name: str, since: int | None) -> ExportedFeature:
    spec = model.description.spec
    number = list(sparse_features(spec)).index(name)
    path = into / f"feature-{number:04}.parquet"
    schema = pa.schema([("id", pa.int64()), ("vector", pa.list_(pa.float32()))])
    rows = 0
    with parquet.ParquetWriter(path, schema) as writer:
        for ids, values in _rows(model, number, since):
            ends = np.arange(len(ids) + 1, dtype=np.int32) * values.shape[1]
            vectors = pa.ListArray.from_arrays(pa.array(ends), pa.array(values.ravel()))
            writer.write_batch(pa.record_batch([pa.array(ids), vectors], schema=schema))
            rows += len(ids)
    return ExportedFeature(name, number, path.name, rows, spec.features[name])


def _rows(model: Model, feature: int, since: int | None) -> Iterator[tuple[Int64s, Float32s]]:
    """Yields the rows of a feature in the order of their ids, some at once."""
    parts, places, ids = list[Int64s](), list[Int64s](), list[Int64s]()
    for number, part in enumerate(model.parts):
        begin, end = part.range_of(feature)
        chosen = np.arange(begin, end)
        if since is not None:
            chosen = chosen[part.changed[begin:end] > since]
        parts.append(np.full(len(chosen), number))
        places.append(chosen)
        ids.append(part.keys.id[chosen])
    order = np.argsort(np.concatenate(ids), kind="stable")
    part_of, place_of, identity = (np.concatenate(it)[order] for it in (parts, places, ids))
    width = networks.row_dimension(model.description.spec)
    if since is None and DEFAULT not in identity[:1]:
        yield np.array([DEFAULT]), np.zeros((1, width), np.float32)
    for begin in range(0, len(identity), _ROWS_AT_ONCE):
        now = slice(begin, begin + _ROWS_AT_ONCE)
        values = np.empty((len(identity[now]), width), np.float32)
        for number, part in enumerate(model.parts):
            here = part_of[now] == number
            values[here] = part.values[place_of[now][here]]
        yield identity[now], values


def _write_evicted(model: Model, path: Path, since: int) -> int:
    names = np.array(list(sparse_features(model.description.spec)), object)
    late = [part.evicted.take(part.evicted_at > since) for part in model.parts]
    feature = names[np.concatenate([it.feature for it in late])]
    columns = [pa.array(feature, pa.string()), pa.array(np.concatenate([it.id for it in late]))]
    found = pa.table(columns, ["feature", "id"]).group_by(["feature", "id"]).aggregate([])
    parquet.write_table(found.sort_by([("feature", "ascending"), ("id", "ascending")]), path)
    rows: int = found.num_rows
    return rows


def _contents(
    model: Model, features: list[ExportedFeature], since: int | None, digests: dict[str, str]
) -> Contents:
    spec: Multitask = model.description.spec
    amounts = networks.order_of(spec).amounts
    return Contents(
        snapshot=model.snapshot,
        since=since,
        model=spec.model,
        sharing=spec.sharing,
        row=networks.row_dimension(spec),
        vectors=features,
        numbers=[ExportedAmount(name, spec.features[name]) for name in amounts],
        tasks=spec.tasks,
        negatives=spec.negatives,
        shifts=dict(zip(spec.tasks, corrections(spec), strict=True)),
        sha256=digests,
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
