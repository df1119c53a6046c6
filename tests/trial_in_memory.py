"""A job of two parties whose data lie in memory: 300 rows, and weak keys of encryption."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import isthmus as im

ROOT = Path(__file__).parents[1]

JOB = im.Job.load(ROOT / "examples/health/job.toml").replace(
    alignment={"method": "cryptographic", "minimum_size": 100},
    regression={"family": "binomial", "passive_columns": 2},
)


def tables() -> tuple[Any, Any]:
    """What a clinic and an insurer know about the same people."""
    random = np.random.default_rng(3)
    known = random.normal(size=(4, 300))
    ids = [f"p{row}" for row in range(300)]
    ill = (known.sum(axis=0) + random.normal(size=300) > 0).astype(int)
    clinic = pa.table({"id": ids, "ill": ill, "age": known[0], "weight": known[1]})
    insurer = pa.table({"member": ids[::-1], "visits": known[2, ::-1], "costs": known[3, ::-1]})
    return clinic, insurer


def parties() -> tuple[im.Party, im.Party]:
    """The two, with their data in memory."""
    clinic, insurer = tables()
    return (
        im.Party("clinic", people=im.frame(clinic, identifiers=["id"], label="ill")),
        im.Party("insurer", people=im.frame(insurer, identifiers=["member"])),
    )
