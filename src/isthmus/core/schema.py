"""Every key of the files that users write, with its type in words."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import inspect

_ENDLESS = 2**62  # a limit from here on only keeps out what no machine can count

NAME = "NAME"
"""Stands in a path for a name that the user chooses."""


class Key(msgspec.Struct, frozen=True):
    """One key of a file."""

    key: str
    type: str
    default: str
    meaning: str


def keys(kind: type[msgspec.Struct]) -> list[Key]:
    """Every key of a struct that users write, those of its tables included.

    Args:
        kind: The struct.

    Returns:
        The keys by dotted path, in the order of the struct.
    """
    return list(_keys(inspect.type_info(kind), ""))


def below(kind: type[msgspec.Struct], path: str) -> list[Key]:
    """The keys of one table of a struct that users write.

    Args:
        kind: The struct.
        path: The dotted path of the table; a name that users choose stands for `NAME` in it.

    Returns:
        The keys of the table, those of tables in it included; none where there is no such table.
    """
    steps = path.split(".")
    return [key for key in keys(kind) if _is_below(key.key.split("."), steps)]


def _is_below(key: Sequence[str], table: Sequence[str]) -> bool:
    return len(key) > len(table) and all(
        ours in {theirs, NAME} for ours, theirs in zip(key, table, strict=False)
    )


def _keys(table: inspect.Type, path: str) -> Iterator[Key]:
    assert isinstance(table, inspect.StructType)  # noqa: S101 - only structs have keys
    for field in table.fields:
        key = f"{path}{field.encode_name}"
        kind, meaning = _meaning(field.type)
        yield Key(key, _type(kind), _default(field, kind), meaning)
        tables, place = _tables(kind, key)
        if len(tables) > 1:
            yield from _keys_of_kinds(tables, f"{place}.")
        elif tables:
            yield from _tag(tables, f"{place}.")
            yield from _keys(tables[0], f"{place}.")


def _keys_of_kinds(tables: Sequence[inspect.StructType], path: str) -> Iterator[Key]:
    """Keys of tables of one name, each once; one that not all of them have says which have it."""
    found: dict[Key, list[str]] = {}
    for each in tables:
        for key in _keys(each, path):
            found.setdefault(key, []).append(_text(each.tag))
    yield from _tag(tables, path)
    for key, kinds in found.items():
        meaning = " ".join([key.meaning, *_only(kinds, tables)] if key.meaning else [])
        yield msgspec.structs.replace(key, meaning=meaning)


def _only(kinds: Sequence[str], tables: Sequence[inspect.StructType]) -> Iterator[str]:
    """Yields which kinds of tables have a key, if not all have it."""
    others = [tag for tag in (_text(each.tag) for each in tables) if tag not in kinds]
    if others:
        few = len(kinds) <= len(others)
        yield f"(of {', '.join(kinds)})" if few else f"(not of {', '.join(others)})"


def _tag(tables: Sequence[inspect.StructType], path: str) -> Iterator[Key]:
    """The key that tells tables of one name apart."""
    if tables[0].tag_field:
        tags = " | ".join(_text(each.tag) for each in tables)
        default = tags if len(tables) == 1 else "required"
        meanings = "; ".join(f"{_text(each.tag)}: {_meaning(each)[1]}" for each in tables)
        yield Key(f"{path}{tables[0].tag_field}", tags, default, meanings.replace(".;", ";"))


def _tables(kind: inspect.Type, path: str) -> tuple[list[inspect.StructType], str]:
    """The structs at a key, of which there may be several kinds, and where in the file they lie."""
    kind = _meaning(kind)[0]
    match kind:
        case inspect.StructType():
            return [kind], path
        case inspect.DictType(value_type=value):
            return _tables(value, f"{path}.{NAME}")
        case inspect.UnionType(types=types):
            below = [_tables(each, path) for each in types]
            places = [place for tables, place in below if tables]
            return [each for tables, _ in below for each in tables], next(iter(places), path)
        case _:
            return [], path


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
    if isinstance(value, msgspec.Struct):
        config = value.__struct_config__
        return f"{config.tag_field} = {_text(config.tag)}"
    return "none" if value is None else _text(value)


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _type(kind: inspect.Type) -> str:
    kind = _meaning(kind)[0]
    match kind:
        case inspect.LiteralType(values=values) | inspect.EnumType(cls=values):
            return " | ".join(map(_text, values))
        case inspect.UnionType(types=types):
            names = [_type(each) for each in types if not isinstance(each, inspect.NoneType)]
            return " | ".join(dict.fromkeys(names))
        case inspect.ListType() | inspect.VarTupleType() | inspect.TupleType():
            return _list(kind)
        case inspect.DictType(value_type=value):
            return "tables by name" if _tables(value, "")[0] else f"{_type(value)} by name"
        case inspect.StructType():
            return "table"
        case _:
            return _plain(kind)


def _list(kind: inspect.ListType | inspect.VarTupleType | inspect.TupleType) -> str:
    if isinstance(kind, inspect.TupleType):
        return f"list of {len(kind.item_types)}, each {_type(kind.item_types[0])}"
    return f"list of {_type(kind.item_type)}"


def _plain(kind: inspect.Type) -> str:
    """A number or a text, with its limits."""
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    limits = {sign: getattr(kind, end, None) for end, sign in signs.items()}
    bounds = (
        f"{sign} {short(limit)}"
        for sign, limit in limits.items()
        if limit is not None and abs(limit) < _ENDLESS
    )
    return f"{_PLAIN[type(kind)]} {', '.join(bounds)}".strip()


def short(number: float) -> str:
    """Returns a number as people write it."""
    return f"{int(number):,}" if float(number).is_integer() else f"{number:,}"


_PLAIN: dict[type, str] = {
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.StrType: "text",
    inspect.BoolType: "true or false",
}
