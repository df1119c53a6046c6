"""How fast are rows found by key, and what do they take, beside other libraries?

A table of rows of 16 numbers and row-wise Adagrad grows key by key; then batches of keys, drawn
evenly, are read. The others hold the same keys and rows, and never grow. Beside it, one training
step of the built-in server: gather and update of the rows of 100,000 Zipf ids. `LARGEST` leaves out
sizes above it.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.measurement import Measurement, Row
from benchmarks.rivals import installed

ROOT = Path(__file__).parents[1]
SIZES = (1_000_000, 10_000_000, 50_000_000)
"""Keys."""

AIMED = 10_000_000
"""The size that the aims are about."""

TURNS = 1
"""How often all are measured, one after the other."""

PANDAS = "pandas==3.1.1"
FBGEMM = "fbgemm-gpu-cpu==1.8.0"
RIVALS = ("pandas", "pyarrow", "torch")
LEAST_RATIO, MOST_MEMORY, MOST_PAUSE, LEAST_KERNEL = 3.0, 1.6, 3.0, 2.0

Found = Mapping[str, float]


def measure() -> Measurement:
    """Start a process for each that is compared, in turn, and take medians.

    Returns:
        The measurement.
    """
    with ExitStack() as environments:
        pandas = environments.enter_context(installed(PANDAS))
        fbgemm = environments.enter_context(
            installed(FBGEMM, Path(__file__).with_name("rival_fbgemm.txt"))
        )
        chosen = [size for size in SIZES if size <= int(os.environ.get("LARGEST", SIZES[-1]))]
        sizes = {size: _turns(size, pandas) for size in chosen}
        steps = _medians(
            [
                _ours("kernels", 0) | _run(fbgemm, "benchmarks.rival_fbgemm", ours_too=True)
                for _ in range(TURNS)
            ]
        )
    return Measurement(
        answer=_answer(sizes, steps),
        tables={
            "Rows by key: millions a CPU second": [_speeds(*it) for it in sizes.items()],
            "Positions alone": [_positions(*it) for it in sizes.items()],
            "Growing": [_growth(*it) for it in sizes.items()],
            "Gather and update of 100,000 Zipf ids": _kernels(steps),
        },
        notes=[
            "CPU seconds of one thread, in the median of 20 batches of 100,000 keys, all present; "
            f"turns: {TURNS}, above 10M keys 1, each with new processes; medians of them.",
            "Rows: 17 float32 of each key, in a new array. pandas: `Index.get_indexer`, torch: "
            "`searchsorted` in sorted keys, pyarrow: `index_in`, which makes its hash table anew, "
            "so all batches are one call; then `values[positions]`. None of these can grow.",
            "Random access: `numpy.take` of the same rows at known positions into an old array.",
            "Growing: windows of a hundredth of all keys, 100,000 at most, pulled and pushed, all "
            "keys new. Memory: greatest resident memory beyond that before the first window, "
            "through the bytes of values and optimizer state; it has the window too. `told` is "
            "what the table itself says.",
            "Kernels: 12 batches of Zipf ids (exponent 1.05), on 1,000,000 rows of 16; "
            f"{steps['distinct']:,.0f} distinct ids a batch. Row-wise Adagrad, but for "
            "EmbeddingBag, whose Adagrad has a state per number.",
            f"{PANDAS} and {FBGEMM} are in environments of their own; FBGEMM runs with our torch.",
        ],
        falls_short=[
            *_missed(sizes[AIMED], steps),
            *(
                f"{size:,} keys: not measured in this run, by `LARGEST`."
                for size in SIZES
                if size not in sizes
            ),
        ],
    )


def _answer(sizes: Mapping[int, Found], steps: Found) -> str:
    found = sizes[AIMED]
    name, best = _best(found, "rows_per_s")
    return (
        f"With {AIMED // 10**6}M keys, a table reads rows {found['table.rows_per_s'] / best:.1f} "
        f"times as fast as the best of the others, {name}, takes {found['table.memory']:.2f} "
        "times the bytes of values and state at its peak, and its slowest exchange while growing "
        f"{found['table.slowest']:.1f} times the median; gather and update of Zipf ids are "
        f"{steps['numba'] / steps['fbgemm']:.1f} times as fast as FBGEMM's."
    )


def _missed(found: Found, steps: Found) -> list[str]:
    name, best = _best(found, "rows_per_s")
    ratio = found["table.rows_per_s"] / best
    missed = {
        f"Rows by key: {ratio:.2f} times {name}, aim {LEAST_RATIO}.": ratio < LEAST_RATIO,
        f"Memory: {found['table.memory']:.2f}, aim {MOST_MEMORY}.": (
            found["table.memory"] > MOST_MEMORY
        ),
        f"Slowest exchange: {found['table.slowest']:.2f} times the median, aim {MOST_PAUSE}.": (
            found["table.slowest"] > MOST_PAUSE
        ),
        f"Kernels: {steps['numba'] / steps['fbgemm']:.2f} times FBGEMM, aim {LEAST_KERNEL}.": (
            steps["numba"] < LEAST_KERNEL * steps["fbgemm"]
        ),
    }
    name, best = _best(found, "keys_per_s")
    alone = found["index.keys_per_s"] / best
    missed |= {
        f"Positions alone, without rows, are {alone:.1f} times as fast as those of {name}: our "
        "keys lie in the records, which a search reads.": alone < LEAST_RATIO
    }
    return [text for text, so in missed.items() if so]


def _best(found: Found, what: str) -> tuple[str, float]:
    return max(((name, found[f"{name}.{what}"]) for name in RIVALS), key=lambda it: it[1])


def _speeds(size: int, found: Found) -> Row:
    _, best = _best(found, "rows_per_s")
    return {
        "keys": size,
        "table": found["table.rows_per_s"] / 1e6,
        **{name: found[f"{name}.rows_per_s"] / 1e6 for name in RIVALS},
        "table / best": found["table.rows_per_s"] / best,
        "random access": found["table.limit"] / 1e6,
    }


def _positions(size: int, found: Found) -> Row:
    return {
        "keys": size,
        "table": found["index.keys_per_s"] / 1e6,
        **{name: found[f"{name}.keys_per_s"] / 1e6 for name in RIVALS},
    }


def _growth(size: int, found: Found) -> Row:
    return {
        "keys": size,
        "keys of a window": int(found["table.window"]),
        "M rows made a CPU second": found["table.made_per_s"] / 1e6,
        "median exchange, ms": found["table.exchange_s"] * 1e3,
        "slowest / median": found["table.slowest"],
        "peak memory / values and state": found["table.memory"],
        "told / values and state": found["table.told"],
    }


def _kernels(steps: Found) -> list[Row]:
    names = [name for name in steps if name != "distinct"]
    return [
        {
            "kernel": name,
            "M ids a CPU second": steps[name] / 1e6,
            "numba / this": steps["numba"] / steps[name],
        }
        for name in names
    ]


def _turns(size: int, pandas: Path) -> Found:
    found = []
    for _ in range(1 if size > AIMED else TURNS):
        each = {name: _ours(name, size) for name in ("table", "index", "torch", "pyarrow")}
        each["pandas"] = _run(pandas, "benchmarks.rival_pandas", str(size))
        found.append(
            {f"{name}.{what}": value for name, it in each.items() for what, value in it.items()}
        )
    return _medians(found)


def _medians(turns: list[dict[str, float]]) -> Found:
    return {name: statistics.median([each[name] for each in turns]) for name in turns[0]}


def _ours(who: str, size: int) -> dict[str, float]:
    return _run(Path(sys.executable), "benchmarks.table_speed", who, str(size))


def _run(python: Path, *arguments: str, ours_too: bool = False) -> dict[str, float]:
    """Run a program of Python, with the libraries of this environment too if it needs them."""
    places = os.pathsep.join(path for path in sys.path if "site-packages" in path)
    done = subprocess.run(  # noqa: S603 - our own programs
        [python, "-m", *arguments],
        cwd=ROOT,
        env=os.environ | ({"PYTHONPATH": places} if ours_too else {}),
        stdout=subprocess.PIPE,
        check=True,
    )
    found: Any = json.loads(done.stdout.splitlines()[-1])
    return dict(found)
