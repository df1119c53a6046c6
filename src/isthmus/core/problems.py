"""Says in sentences how what a file holds does not fit a spec.

msgspec reads the files, and stops at the first thing that does not fit. Only then its types are
walked here, so that all problems of a file are told at once, in words of ours.
"""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

import msgspec

from isthmus.core import schema

_LISTED = 12
"""Most keys that a sentence lists."""

_NEAR = 0.65
"""How much a key must look like another to be taken for it."""

_PLACES = 3
"""Most tables that a sentence names for a key that is in the wrong one."""

_SHOWN = 40
"""Most characters of a text that a sentence repeats."""


def problems(value: object, kind: Any) -> list[str]:
    """Find all that does not fit in what a file holds.

    Args:
        value: What it holds: dicts, lists, texts and numbers.
        kind: The type that it should have.

    Returns:
        A sentence for each problem, without a full stop, in the order of the file; empty if it
        fits.
    """
    return list(dict.fromkeys(_Walk(kind).at(value, kind, "")))


class _Walk:
    """Walks what a file holds beside the type that it should have."""

    def __init__(self, root: Any) -> None:
        self.root = root

    def at(self, value: object, kind: Any, path: str) -> Iterator[str]:
        """Yields the problems of one value."""
        found = list(self._within(value, kind, path))
        yield from found or _itself(value, kind, path)

    def _within(self, value: object, kind: Any, path: str) -> Iterator[str]:
        """Yields problems of what a table or a list holds."""
        options = list(_options(kind))
        if isinstance(value, dict):
            table = cast(dict[str, object], value)
            structs = [each for each in options if _is_struct(each)]
            for each in options:
                if not structs and get_origin(each) is dict:
                    yield from self._named(table, each, path)
            if structs:
                yield from self._table(table, structs, path)
        elif isinstance(value, list):
            items = [get_args(each)[0] for each in options if get_origin(each) in {list, tuple}]
            for number, item in enumerate(cast(list[object], value), 1):
                yield from self.at(item, items[0], f"{path}, item {number}") if items else ()

    def _named(self, table: Mapping[str, object], kind: Any, path: str) -> Iterator[str]:
        """Yields problems of a table with names that users choose."""
        key, inner = get_args(kind)
        for name, each in table.items():
            yield from _itself(name, key, f"{path}.{name}", what="name")
            yield from self.at(each, inner, f"{path}.{name}")

    def _table(
        self, table: Mapping[str, object], structs: Sequence[type[msgspec.Struct]], path: str
    ) -> Iterator[str]:
        """Yields problems of a table whose keys we know."""
        tag, struct = _chosen(table, structs)
        if struct is None:
            yield _wrong_tag(table, structs, str(tag), path)
            return
        fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
        known = [*fields, *([tag] if tag else [])]
        meant = set[str]()
        for name, value in table.items():
            if name in fields:
                yield from self.at(value, fields[name].type, f"{path}.{name}".lstrip("."))
            elif name != tag:
                elsewhere = [key.key for key in schema.keys(self.root) if _last(key.key) == name]
                near = [] if len(elsewhere) == 1 else get_close_matches(name, known, 1, _NEAR)
                meant.update(near)
                yield f"{_whole(path)} has no key `{name}`{_meant(near, elsewhere, known, path)}"
        for name, field in fields.items():
            if field.required and name not in {*table, *meant}:
                about = _description(field.type)
                yield f"{_whole(path)} lacks `{name}`" + (f": {about}" if about else "")


def _meant(near: Sequence[str], elsewhere: Sequence[str], known: Sequence[str], path: str) -> str:
    """What to do about a key that a table does not have."""
    if near:
        return f": did you mean `{near[0]}`?"
    if 0 < len(elsewhere) <= _PLACES:
        tables = [place.rpartition(".")[0] for place in elsewhere]
        places = (f"to [{table}]" if table else "before the first [table]" for table in tables)
        return f": it belongs {' or '.join(places)}"
    if not path:  # a file has too many to list
        return ""
    return f"; it has {', '.join(known[:_LISTED])}{' and more' if len(known) > _LISTED else ''}"


def _itself(value: Any, kind: Any, path: str, what: str = "value") -> Iterator[str]:
    """Yields the problem of a value as a whole."""
    try:
        msgspec.convert(value, kind, strict=True)
    except (msgspec.ValidationError, TypeError, RecursionError) as error:
        if type(value) is dict and any(map(_is_struct, _options(kind))):
            # Two keys contradict each other: the sentence is that of the spec.
            yield f"{_whole(path)}: {str(error).partition(' - at `$')[0].rstrip('.')}"
        else:
            yield f"`{path}` {_misfit(value, kind, what)}"


def _misfit(value: Any, kind: Any, what: str) -> str:
    options = list(_options(kind))
    allowed = [each for option in options for each in _literals(option)]
    if isinstance(value, str) and allowed:
        near = get_close_matches(value, map(str, allowed), n=1)
        advice = f': did you mean "{near[0]}"? It' if near else ", and"
        return f"is {_quoted(value)}{advice} must be {_either(map(_quoted, allowed))}"
    form = _form(kind)
    if isinstance(value, str) and form:
        article = "the name " if what == "name" else ""
        return f"is {article}{_quoted(value)}, and must be {form}"
    wanted = _either(dict.fromkeys(_wanted(option, _metas(kind)) for option in options))
    return f"is {_said(value)}, and must be {wanted}"


def _chosen(
    table: Mapping[str, object], structs: Sequence[type[msgspec.Struct]]
) -> tuple[str | None, type[msgspec.Struct] | None]:
    """The key that tells structs apart, if any, and the struct that a table is meant to be."""
    tag = structs[0].__struct_config__.tag_field
    if tag is None:
        return None, structs[0]
    said = [each for each in structs if each.__struct_config__.tag == table.get(tag)]
    alone = structs[0] if len(structs) == 1 and tag not in table else None
    return tag, said[0] if said else alone


def _wrong_tag(
    table: Mapping[str, object], structs: Sequence[type[msgspec.Struct]], tag: str, path: str
) -> str:
    tags = [str(each.__struct_config__.tag) for each in structs]
    if tag not in table:
        return f"{_whole(path)} lacks `{tag}`: {_either(map(_quoted, tags))}"
    return f"`{path}.{tag}` {_misfit(table[tag], Literal[tuple(tags)], 'value')}"


def _options(kind: Any) -> Iterator[Any]:
    """Yields the types that a value may have, without what is said about them, but for None."""
    origin = get_origin(kind)
    if origin is Annotated:
        yield from _options(get_args(kind)[0])
    elif origin in {Union, UnionType}:
        for each in get_args(kind):
            yield from _options(each)
    elif kind is not type(None):
        yield kind


def _metas(kind: Any) -> list[msgspec.Meta]:
    """What is said about a type and about its options, the innermost first."""
    if get_origin(kind) is Annotated:
        inner, *said = get_args(kind)
        return [*_metas(inner), *(each for each in said if isinstance(each, msgspec.Meta))]
    if get_origin(kind) in {Union, UnionType}:
        return [meta for each in get_args(kind) for meta in _metas(each)]
    return []


def _description(kind: Any) -> str:
    said = [meta.description for meta in _metas(kind) if meta.description]
    return said[-1] if said else ""


def _form(kind: Any) -> str:
    """What a text must look like: the description that stands beside its pattern."""
    metas = [meta for meta in _metas(kind) if meta.pattern]
    return next((meta.description for meta in metas if meta.description), "")


def _literals(kind: Any) -> tuple[Any, ...]:
    if get_origin(kind) is Literal:
        return get_args(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return tuple(each.value for each in kind)
    return ()


def _wanted(kind: Any, metas: Sequence[msgspec.Meta]) -> str:
    """A type in words."""
    if literals := _literals(kind):
        return _either(map(_quoted, literals))
    if _is_struct(kind):
        return "a table"
    origin = get_origin(kind) or kind
    if origin in {list, tuple}:
        return f"a list{_length(metas)} of {_PLURAL.get(get_args(kind)[0], 'values')}"
    return _NAMES.get(origin, "of another type") + _bounds(metas)


def _bounds(metas: Sequence[msgspec.Meta]) -> str:
    least, most = _first(metas, "ge"), _first(metas, "le")
    if least is not None and most is not None:
        return f" from {schema.short(least)} to {schema.short(most)}"
    named = {"of at least": "ge", "above": "gt", "of at most": "le", "below": "lt"}
    words = [
        f"{words} {schema.short(limit)}"
        for words, key in named.items()
        if (limit := _first(metas, key)) is not None
    ]
    return f" {' and '.join(words)}" if words else _length(metas)


def _length(metas: Sequence[msgspec.Meta]) -> str:
    named = {"at least": "min_length", "at most": "max_length"}
    words = [f"{words} {limit:,}" for words, key in named.items() if (limit := _first(metas, key))]
    return f" ({' and '.join(words)} long)" if words else ""


def _first(metas: Sequence[msgspec.Meta], key: str) -> Any:
    return next((limit for meta in metas if (limit := getattr(meta, key)) is not None), None)


def _said(value: object) -> str:
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if isinstance(value, list):
        length = len(cast(list[object], value))
        return f"a list of {length}" if length else "an empty list"
    return _KINDS.get(type(value), "a date or time")


def _quoted(value: object) -> str:
    if not isinstance(value, str):
        return str(value)
    shown = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
    return msgspec.json.encode(shown).decode()


def _either(words: Iterator[str] | Mapping[str, object]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def _whole(path: str) -> str:
    return f"[{path}]" if path else "the file"


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


_KINDS: Mapping[type, str] = {str: "a text", dict: "a table", type(None): "nothing"}
_NAMES: Mapping[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text in quotes",
    bool: "true or false",
    dict: "a table",
}
_PLURAL: Mapping[Any, str] = {int: "whole numbers", float: "numbers", str: "texts in quotes"}
