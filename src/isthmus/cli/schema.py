"""Every key of the files that users write."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Literal

import msgspec
import typer

from isthmus.answers.parts import Entries, Entry
from isthmus.answers.text import draw
from isthmus.cli.answer import Answer
from isthmus.core.errors import SpecError
from isthmus.core.schema import Key, below, keys


def schema(
    file: Annotated[
        Literal["job", "party"], typer.Argument(metavar="job|party", help="Which file.")
    ],
    table: Annotated[
        str | None,
        typer.Argument(metavar="TABLE", help="One table of it, such as regression.encryption."),
    ] = None,
) -> Answer:
    """Show every key of a job or party file, or of one table; with --json, its JSON Schema."""
    from isthmus.jobs.job import Job
    from isthmus.jobs.party import Party

    kind = Job if file == "job" else Party
    found = keys(kind) if table is None else _of_table(kind, file, table)
    about = str(kind.__doc__) if table is None else f"The keys of [{table}] in the {file} file."
    value = msgspec.json.schema(kind) if table is None else [msgspec.to_builtins(k) for k in found]
    return Answer(value, draw([about, "", Entries([_entry(key) for key in found])]))


def _of_table(kind: type[msgspec.Struct], file: str, table: str) -> Sequence[Key]:
    plain = table.strip("[]")
    found = below(kind, plain)
    if not found:
        tables = _tables(keys(kind))
        near = get_close_matches(plain, tables, n=1)
        advice = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(tables)}."
        raise SpecError(f"there is no table [{plain}] in a {file} file: {advice}")
    return found


def _tables(found: Sequence[Key]) -> list[str]:
    return list(dict.fromkeys(key.key.rpartition(".")[0] for key in found if "." in key.key))


def _entry(key: Key) -> Entry:
    facts = [key.type]
    if key.default:
        facts.append(key.default if key.default == "required" else f"default {key.default}")
    return Entry(key.key, "; ".join(facts), [key.meaning] if key.meaning else [])
