"""Every key of the files that users write."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
import typer
from msgspec import inspect

from isthmus.answers.text import page, table
from isthmus.cli.answer import Answer

_ENDLESS = 1e100  # a limit beyond it only keeps infinities out

NAME = "NAME"
"""Stands in a path for a name that the user chooses."""


class Key(msgspec.Struct, frozen=True):
    """One key of a file."""

    key: str
    type: str
    default: str
    meaning: str


def schema(
    file: Annotated[
        Literal["job", "party"], typer.Argument(metavar="job|party", help="Which file.")
    ],
) -> Answer:
    """Show every key of a job or party file; with --json, its JSON Schema."""
    from isthmus.jobs.job import Job
    from isthmus.jobs.party import Party

    kind = Job if file == "job" else Party
    rows = ((key.key, key.type, key.default, key.meaning) for key in keys(kind))
    found = table(("key", "type", "default", "meaning"), rows)
    return Answer(msgspec.json.schema(kind), page(str(kind.__doc__), found))


def keys(kind: type[msgspec.Struct]) -> list[Key]:
    """Every key of a struct that users write, those of its tables included.

    Args:
        kind: The struct.

    Returns:
        The keys by dotted path, in the order of the struct.
    """
    return list(_keys(inspect.type_info(kind), ""))


def _keys(table: inspect.Type, path: str) -> Iterator[Key]:
    assert isinstance(table, inspect.StructType)  # noqa: S101 - only structs have keys
    if table.tag_field:
        tag = msgspec.json.encode(table.tag).decode()
        yield Key(f"{path}{table.tag_field}", tag, tag, "which of the tables of this name it is")
    for field in table.fields:
        key = f"{path}{field.encode_name}"
        kind, meaning = _meaning(field.type)
        yield Key(key, _type(kind), _default(field, kind), meaning)
        for below, place in _tables(kind, key):
            yield from _keys(below, f"{place}.")


def _tables(kind: inspect.Type, path: str) -> Iterator[tuple[inspect.StructType, str]]:
    """The struct at a key, if there is one, and where in the file it lies."""
    kind = _meaning(kind)[0]
    match kind:
        case inspect.StructType():
            yield kind, path
        case inspect.DictType(value_type=value):
            yield from _tables(value, f"{path}.{NAME}")
        case inspect.UnionType(types=types):
            for each in types:
                yield from _tables(each, path)
        case _:
            return


def _meaning(kind: inspect.Type) -> tuple[inspect.Type, str]:
    """A type without what is said about it, and that."""
    match kind:
        case inspect.Metadata(type=inner, extra_json_schema={"description": str(said)}):
            return _meaning(inner)[0], said
        case inspect.Metadata(type=inner):
            return _meaning(inner)
        case inspect.UnionType(types=types):
            return kind, next(filter(None, (_meaning(each)[1] for each in types)), "")
        case inspect.StructType(cls=struct):
            return kind, str(struct.__doc__).splitlines()[0]
        case _:
            return kind, ""


def _default(field: inspect.Field, kind: inspect.Type) -> str:
    if field.required:
        return "required"
    if isinstance(kind, inspect.StructType):
        return ""
    value = field.default
    if value is msgspec.NODEFAULT:
        value = field.default_factory()
    return "none" if value is None else msgspec.json.encode(value).decode()


def _type(kind: inspect.Type) -> str:
    kind = _meaning(kind)[0]
    match kind:
        case inspect.LiteralType(values=values) | inspect.EnumType(cls=values):
            return " | ".join(msgspec.json.encode(value).decode() for value in values)
        case inspect.UnionType(types=types):
            return " | ".join(
                _type(each) for each in types if not isinstance(each, inspect.NoneType)
            )
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return f"list of {_type(item)}"
        case inspect.DictType(value_type=value):
            return "tables by name" if any(_tables(value, "")) else f"{_type(value)} by name"
        case inspect.StructType():
            return "table"
        case _:
            return _plain(kind)


def _plain(kind: inspect.Type) -> str:
    """A number or a text, with its limits."""
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    limits = {sign: getattr(kind, end, None) for end, sign in signs.items()}
    bounds = (
        f"{sign} {limit:,}"
        for sign, limit in limits.items()
        if limit is not None and abs(limit) < _ENDLESS
    )
    return f"{_PLAIN[type(kind)]} {', '.join(bounds)}".strip()


_PLAIN: dict[type, str] = {
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.StrType: "text",
    inspect.BoolType: "true or false",
}
