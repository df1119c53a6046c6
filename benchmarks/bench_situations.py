"""What is said where data are not as they should be, in situations that users reported?"""

from benchmarks import situations
from benchmarks.measurement import Measurement, Row


def measure() -> Measurement:
    """Try every situation, and write down what is said.

    Returns:
        A table for each kind of situation.
    """
    tables: dict[str, list[Row]] = {
        title: [
            {"situation": each.name, "what it says": cell(situations.say(each))} for each in found
        ]
        for title, found in situations.SITUATIONS.items()
    }
    count = sum(map(len, tables.values()))
    return Measurement(
        answer=f"{count} situations, each answered in a sentence with its place, or read as meant.",
        tables=tables,
        notes=[
            "200 people in a file `people.csv` with the columns id, ill, a1 and a2, read for a "
            "regression unless a situation says otherwise; in Parquet and in databases a few.",
            "Lines of a message with several problems are divided by (-).",
        ],
    )


def cell(text: str) -> str:
    """Returns a text that a table of Markdown can hold."""
    return text.replace("|", "\\|")
