"""Scores rows without isthmus: score_from_export.py ROWS.parquet OUT.parquet EXPORT [SINCE...]."""

import json
import sys
from bisect import bisect_right
from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow as pa
from pyarrow.parquet import read_table, write_table


def id_of(value: object, rule: dict) -> int:
    """Returns the id of a value: a whole number, a bucket, a place in a vocabulary, or a hash."""
    if value is None or rule["kind"] == "id":
        return -1 if value is None else int(value)
    if rule["kind"] == "buckets":
        return bisect_right(rule["boundaries"], float(value))
    if rule["kind"] == "vocabulary":
        return rule["values"].index(str(value)) if str(value) in rule["values"] else -1
    h = 0xCBF29CE484222325
    for byte in str(value).encode():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        h = (h ^ h >> 33) * factor % 2**64
    return (h ^ h >> 33) % 2**63 % (rule["buckets"] or 2**63)


def vector_of(cell: object, rule: dict, rows: dict) -> np.ndarray:
    """Returns the row of a cell's id, or the sum or mean of those of all its ids."""
    if rule["many"] is None:
        return rows.get(id_of(cell, rule), rows[-1])
    values = (cell.split(rule["separator"]) if isinstance(cell, str) and cell else cell) or []
    total = sum((rows.get(id_of(it, rule), rows[-1]) for it in values), 0 * rows[-1])
    return total / max(len(values), 1) if rule["many"] == "mean" else total


def number_of(cell: float | None, rule: dict) -> float:
    """Returns an amount as the layers take it."""
    number = rule["missing"] if cell is None else float(cell)
    number = np.copysign(np.log1p(abs(number)), number) if rule["scale"] == "log" else number
    return (number - rule["mean"]) / rule["deviation"]


data, scores, *exports = map(Path, sys.argv[1:])
tables: dict = {}
for folder in exports:  # a whole export, then those since it, in their order
    export = json.loads((folder / "features.json").read_text())
    if export["since"] is not None:
        for row in read_table(folder / "evicted.parquet").to_pylist():
            tables[row["feature"]].pop(row["id"], None)
    for each in export["vectors"]:
        new = read_table(folder / each["file"])
        vectors = np.array(new["vector"].to_pylist(), np.float32).reshape(-1, export["row"])
        tables.setdefault(each["name"], {}).update(zip(new["id"].to_pylist(), vectors, strict=True))

cells = read_table(data).to_pydict()
rows = len(next(iter(cells.values())))
vectors = np.zeros((rows, len(export["vectors"]), export["row"]), np.float32)
numbers = np.zeros((rows, len(export["numbers"])), np.float32)
for at, each in enumerate(export["vectors"]):
    for row, cell in enumerate(cells[each["name"]]):
        vectors[row, at] = vector_of(cell, each["feature"], tables[each["name"]])
for at, each in enumerate(export["numbers"]):
    numbers[:, at] = [number_of(cell, each["feature"]) for cell in cells[each["name"]]]
session = onnxruntime.InferenceSession(folder / "model.onnx")
(found,) = session.run(None, {"vectors": vectors, "numbers": numbers})
write_table(pa.table(dict(zip(export["tasks"], found.T, strict=True))), scores)
