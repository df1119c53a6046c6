# /// script
# requires-python = "==3.11.*"
# dependencies = ["numpy==2.4.6", "pandas==3.1.1", "statsmodels==0.15.0"]
# ///
"""Writes the files of the clinic, the insurer and the pharmacy; see DATA.md. Run once."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.datasets import randhie

FOLDER = Path(__file__).parent
CLINIC = ["person_id", "sees_doctor", "physlm", "disea", "hlthg", "hlthf", "hlthp"]
VISITS = ["person_id", "visits", "physlm", "disea", "hlthg", "hlthf", "hlthp"]
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
    counted = people.loc[clinic.index].rename(columns={"mdvis": "visits"})[VISITS]
    write(counted, "clinic", "visits")
    write(insurer, "insurer")
    write(bought(people, random), "pharmacy")


def bought(people: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """What a made-up pharmacy knows: the source has nothing of it, so that we draw it."""
    customers = people.sample(10_000, random_state=random)
    ill, visits = customers["disea"] / 10, np.minimum(customers["mdvis"], 8)
    packs = random.poisson(0.5 + 0.4 * ill + 0.15 * visits)
    regular = random.random(len(customers)) < 0.1 + 0.02 * customers["disea"].clip(0, 25)
    found = {"packs": packs, "regular": regular.astype(int)}
    return pd.DataFrame({"person_id": customers["person_id"], **found})


def typed(identifier: str, random: np.random.Generator) -> str:
    """The insurer's staff typed ids by hand: one in five is lower case, one in ten has a space."""
    identifier = identifier.lower() if random.random() < 1 / 5 else identifier
    return f" {identifier}" if random.random() < 1 / 10 else identifier


def write(people: pd.DataFrame, party: str, name: str = "people") -> None:
    """The same bytes on every run: without a file name and a time in the archive."""
    (FOLDER / party).mkdir(exist_ok=True)
    text = people.to_csv(index=False, lineterminator="\n")
    archive = gzip.compress(text.encode(), compresslevel=9, mtime=0)
    (FOLDER / party / f"{name}.csv.gz").write_bytes(archive)


if __name__ == "__main__":
    main()
