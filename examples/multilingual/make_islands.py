"""Divides the messages of this example among islands; see DATA.md. Run once, by us."""

import csv
import gzip
import io
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent
ISLANDS = {"lyon": "fr", "wuhan": "zh", "omsk": "ru"}
"""Language that each island has beside English."""

Rows = Sequence[dict[str, str]]


def main() -> None:
    """Write `messages.csv.gz` of each party: an island's to train on, the hub's to test on."""
    for island, language in ISLANDS.items():
        write(island, ["en", language], read(f"en-{language}.tsv.gz"))
    held_out = read("held-out.tsv.gz")
    languages = list(ISLANDS.values())
    write("hub", languages, [row for row in held_out if all(row[it] for it in languages)])


def read(name: str) -> Rows:
    """Returns the rows of a file of this example."""
    with gzip.open(FOLDER / name, "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def write(party: str, columns: Sequence[str], rows: Rows) -> None:
    """Write some columns; the same rows give the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row[it] for it in columns] for row in rows)
    folder = FOLDER / party
    folder.mkdir(exist_ok=True)
    (folder / "messages.csv.gz").write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


if __name__ == "__main__":
    main()
