# /// script
# requires-python = "==3.11.*"
# dependencies = ["numpy==2.4.6", "pandas==3.1.1", "scikit-learn==1.9.1"]
# ///
"""Writes the party folders of `fusion` and `encoder`; see their DATA.md. Run once, by us."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

FOLDER = Path(__file__).parent
BRANCHES = [f"branch-{number:02}" for number in range(1, 11)]
TURNED = {"branch-02", "branch-05", "branch-09"}
SITES = [f"site-{number}" for number in range(1, 6)]
OFTEN, SELDOM = 40, 4

PARTY = """# Stays at {party}: nothing in here is ever sent.
party = "{party}"
"""
SIMULATED_ATTACK = """
# It sends every update with its sign turned, to see what the fusion makes of that. Only with a
# master on this machine may a party do so.
simulated_attack = "sign_flip"
"""
DATASET = """
[datasets.{name}]
path = "{name}.csv.gz"
type = "image"
label = "digit"
columns = ["pixel_*"]
"""


def main() -> None:
    """Divide the digits among the parties of both examples."""
    images, digits = load_digits(return_X_y=True)
    table = pd.DataFrame(images.astype(int), columns=[f"pixel_{place:02}" for place in range(64)])
    table.insert(0, "digit", digits)
    fusion(shuffled(table, seed=1797))
    encoder(shuffled(table, seed=1798))


def fusion(table: pd.DataFrame) -> None:
    """100 rows for the office to weigh by, 500 to measure on, the others among ten branches."""
    party(FOLDER / "fusion" / "office", {"digits": table[:100], "exam": table[100:600]})
    parts = divided(table[600:], len(BRANCHES), concentration=0.5)
    for branch, part in zip(BRANCHES, parts, strict=True):
        more = SIMULATED_ATTACK if branch in TURNED else ""
        party(FOLDER / "fusion" / branch, {"digits": part}, more)


def encoder(table: pd.DataFrame) -> None:
    """Each site trains on two digits that it often sees, and few of all others.

    The rest, in equal parts, is to test on: there every digit is as frequent as any other.
    """
    party(FOLDER / "encoder" / "hub", {})
    left, trains = table, list[pd.DataFrame]()
    for number in range(len(SITES)):
        often = {2 * number, 2 * number + 1}
        wanted = [
            left[left["digit"] == digit][: OFTEN if digit in often else SELDOM]
            for digit in range(10)
        ]
        trains.append(shuffled(pd.concat(wanted), number))
        left = left.drop(trains[-1].index)
    exams = np.array_split(np.arange(len(left)), len(SITES))
    for site, train, exam in zip(SITES, trains, exams, strict=True):
        party(FOLDER / "encoder" / site, {"digits": train, "exam": left.iloc[exam]})


def shuffled(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The rows in an order by chance."""
    return table.sample(frac=1, random_state=seed)


def divided(table: pd.DataFrame, parties: int, concentration: float) -> list[pd.DataFrame]:
    """Each party's share of every digit comes from a Dirichlet distribution."""
    random = np.random.default_rng(len(table))
    owner = np.empty(len(table), int)
    for digit in range(10):
        rows = np.flatnonzero(table["digit"] == digit)
        shares = random.dirichlet([concentration] * parties)
        ends = np.round(np.cumsum(shares)[:-1] * len(rows)).astype(int)
        for number, part in enumerate(np.split(rows, ends)):
            owner[part] = number
    return [shuffled(table[owner == number], number) for number in range(parties)]


def party(folder: Path, datasets: dict[str, pd.DataFrame], more: str = "") -> None:
    """What a party keeps to itself: the same bytes on every run."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = "".join(DATASET.format(name=name) for name in datasets)
    (folder / "party.toml").write_text(PARTY.format(party=folder.name) + more + tables)
    for name, rows in datasets.items():
        text = rows.to_csv(index=False, lineterminator="\n")
        archive = gzip.compress(text.encode(), compresslevel=9, mtime=0)  # no name, no time
        (folder / f"{name}.csv.gz").write_bytes(archive)


if __name__ == "__main__":
    main()
