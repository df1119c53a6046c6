# /// script
# requires-python = "==3.11.*"
# dependencies = ["numpy==2.4.6", "pandas==3.1.1", "statsmodels==0.15.0"]
# ///
"""Writes `clinic/people.csv.gz` and `insurer/people.csv.gz`; see DATA.md. Run once, by us."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.datasets import randhie

FOLDER = Path(__file__).parent
CLINIC = ["person_id", "sees_doctor", "physlm", "disea", "hlthg", "hlthf", "hlthp"]
INSURER = ["person_id", "lncoins", "idp", "lpi", "fmde"]


def main() -> None:
    """Give every person an id, and each party its people and its columns."""
    random = np.random.default_rng(20190)
    people = randhie.load_pandas().data
    numbers = random.choice(90_000_000, len(people), replace=False) + 10_000_000
    people["person_id"] = [f"P-{number}" for number in numbers]
    people["sees_doctor"] = (people["mdvis"] > 0).astype(int)
    clinic = people.sample(18_000, random_state=random)[CLINIC]
    insurer = people.sample(17_500, random_state=random)[INSURER]
    insurer["person_id"] = [typed(name, random) for name in insurer["person_id"]]
    write(clinic, "clinic")
    write(insurer, "insurer")


def typed(identifier: str, random: np.random.Generator) -> str:
    """The insurer's staff typed ids by hand: one in five is lower case, one in ten has a space."""
    identifier = identifier.lower() if random.random() < 1 / 5 else identifier
    return f" {identifier}" if random.random() < 1 / 10 else identifier


def write(people: pd.DataFrame, party: str) -> None:
    """The same bytes on every run: without a file name and a time in the archive."""
    (FOLDER / party).mkdir(exist_ok=True)
    text = people.to_csv(index=False, lineterminator="\n")
    archive = gzip.compress(text.encode(), compresslevel=9, mtime=0)
    (FOLDER / party / "people.csv.gz").write_bytes(archive)


if __name__ == "__main__":
    main()
