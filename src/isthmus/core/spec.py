"""Specs, the structs that users write as TOML: reading, writing and digests."""

import hashlib
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path, PurePath
from typing import Any, Literal, Protocol, Self, TypeVar, cast, runtime_checkable

import msgspec

from isthmus.core import problems, syntax
from isthmus.core.errors import ContradictionError, FileError, SpecError


class Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base class of every table that a user writes; an unknown key is an error with its path."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Have what a table refuses by a ValueError be a SpecError where Python code makes it."""
        super().__init_subclass__(**options)
        if "__post_init__" in cls.__dict__:
            cls.__post_init__ = _refusing(cls.__post_init__)  # type: ignore[attr-defined]


SpecT = TypeVar("SpecT", bound=Spec)


def _refusing(check: Callable[[Any], None]) -> Callable[[Any], None]:
    """Returns the check of a table whose ValueErrors are SpecErrors too."""

    @wraps(check)
    def checked(table: Any) -> None:
        try:
            check(table)
        except ValueError as error:
            raise ContradictionError(str(error)) from None

    return checked


MOST_BYTES = 2**16
"""Most bytes of a file: a peer may have written it, and some text costs much more than it looks."""

_DEEP_KEY = re.compile(
    rb"""(?:(?:(?<![\w-])[\w-]++|(?<!\\)"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}"""
)
"""A key with more parts than any spec has: `tomllib` takes a time that grows with their square."""


@runtime_checkable
class NamesFiles(Protocol):
    """A table with paths of files in it."""

    def anchored(self, folder: Path, /) -> Self:
        """Returns the table with absolute paths; they are relative to the folder so far."""
        ...


def anchored(path: str | None, folder: Path) -> str | None:
    """Returns the absolute path of what lies in a folder; None where there is no path."""
    return None if path is None else str(Path(folder, path).absolute())


def load(path: Path, kind: type[SpecT]) -> SpecT:
    """Read a TOML file into a spec.

    Args:
        path: The file.
        kind: The spec class that describes it.

    Returns:
        The validated spec.

    Raises:
        SpecError: The file is missing, is not TOML, or does not fit `kind`.
    """
    name = kind.__name__.lower()
    return _fitted(read(path, f"a {name} file"), kind, str(path), name)


def read(path: Path, what: str) -> dict[str, Any]:
    """Read a TOML file.

    Args:
        path: The file.
        what: What is expected there, for errors.

    Returns:
        The values that it says.

    Raises:
        SpecError: The file is missing, too large, or not TOML.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        _check_cost(path, content)
        # Some editors put a byte order mark before the text; TOML does not know it.
        return tomllib.loads(content.decode("utf-8-sig"))
    except FileNotFoundError:
        msg = f"{path}: there is no such file. Give the path of {what}."
        raise SpecError(msg) from None
    except IsADirectoryError:
        msg = f"{path}: this is a folder. Give the path of the TOML file in it."
        raise SpecError(msg) from None
    except OSError as error:
        raise SpecError(f"{path}: cannot be read: {error.strerror}. Check the path.") from None
    except (UnicodeDecodeError, RecursionError):
        raise SpecError(f"{path}: is not TOML in UTF-8. Give the path of a text file.") from None
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{path}: {syntax.sentence(str(error))}.") from None


def _check_cost(path: Path, content: bytes) -> None:
    """Refuse a file that would take long to parse, before it is parsed.

    Args:
        path: The file.
        content: Its bytes, or the first of them.

    Raises:
        SpecError: It is too large, or a key in it has too many parts.
    """
    if len(content) > MOST_BYTES:
        raise SpecError(
            f"{path}: has more than {MOST_BYTES:,} bytes, the most that such a file may have. Give "
            "the path of the TOML file, not of data."
        )
    deep = _DEEP_KEY.search(content)
    if deep is not None:
        line = content.count(b"\n", 0, deep.start()) + 1
        raise SpecError(
            f"{path}: in line {line}: a key with more than 32 parts between dots. No file of ours "
            "has one: ask whoever wrote it."
        )


def convert(value: Any, kind: type[SpecT], file: Literal["job", "party"]) -> SpecT:
    """Check what Python code says, as if it had been read from a file.

    Args:
        value: A spec that nobody has checked yet, or dicts and lists of the same form.
        kind: The spec class.
        file: The file that it is a part of.

    Returns:
        The validated spec.

    Raises:
        SpecError: It does not fit `kind`.
    """
    try:
        plain = msgspec.to_builtins(value, enc_hook=_as_written)
    except (TypeError, RecursionError) as error:
        raise SpecError(f"{file}: {error}. `isthmus schema {file}` lists every key.") from None
    return _fitted(plain, kind, file, file)


def _fitted(value: Any, kind: type[SpecT], where: str, schema: str) -> SpecT:
    """Check plain values.

    Args:
        value: What a file says, or Python code.
        kind: The spec class.
        where: The file, for the error.
        schema: The file for which `isthmus schema` is the help.

    Returns:
        The validated spec.

    Raises:
        SpecError: It does not fit `kind`.
        FileError: It does not fit, for several reasons.
    """
    try:
        return msgspec.convert(value, kind, strict=True)
    except (msgspec.ValidationError, TypeError, RecursionError):
        found = problems.problems(value, kind) or ["its values do not fit each other"]
    told = [sentence if sentence.endswith("?") else f"{sentence}." for sentence in found]
    advice = f"`isthmus schema {schema}` lists every key."
    if len(told) == 1:
        raise SpecError(f"{where}: {told[0]} {advice}")
    lines = "\n".join(f"- {each}" for each in told)
    raise FileError(f"{where}: {len(told)} problems.\n{lines}\n{advice}")


def save(spec: Spec, path: Path) -> None:
    """Write a spec as a TOML file.

    Args:
        spec: What it says.
        path: The file; its folder is created where there is none.

    Raises:
        SpecError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dump(spec))
    except OSError as error:
        raise SpecError(
            f"{path}: cannot be written: {error.strerror}. Give another path."
        ) from None


def dump(spec: Spec) -> bytes:
    """Write a spec as TOML.

    Args:
        spec: What it says.

    Returns:
        The text, without keys that have their default.

    Raises:
        SpecError: It is too large to be read again.
    """
    text = msgspec.toml.encode(_plain(spec))
    if len(text) > MOST_BYTES:
        raise SpecError(
            f"a {type(spec).__name__.lower()} file would have {len(text):,} bytes, and may have "
            f"{MOST_BYTES:,}: name fewer columns or files in it."
        )
    return text


def changed(spec: Spec) -> dict[str, str]:
    """Returns every value of a spec that is not the default, by its dotted path, for people."""
    return {key: msgspec.json.encode(value).decode() for key, value in _leaves("", _plain(spec))}


def settings(table: msgspec.Struct) -> str:
    """Returns a text for people with every key of a spec and its value, defaults included."""
    config = table.__struct_config__
    keys = [f'{config.tag_field} = "{config.tag}"'] if config.tag_field else []
    for key, value in msgspec.structs.asdict(table).items():
        text = _setting(value)
        if text not in {"()", "null"}:
            keys.append(f"{key} = {text}")
    return ", ".join(keys)


def _setting(value: Any) -> str:
    if isinstance(value, msgspec.Struct):
        return f"({settings(value)})"
    if isinstance(value, dict):
        tables = cast(dict[str, Any], value)
        if any(isinstance(each, msgspec.Struct) for each in tables.values()):
            return _first(tables)
    return msgspec.json.encode(value).decode()


def _first(tables: Mapping[str, Any]) -> str:
    """Names of tables, but for those beyond a line of text."""
    names, more = list(tables)[:_MOST], len(tables) - _MOST
    rest = f" and {more:,} more" if more > 0 else ""
    return f"({', '.join(names)}{rest})"


_MOST = 12
"""Names of tables that are shown to people."""


def digest(spec: Spec) -> str:
    """Returns the SHA-256 of a spec's canonical JSON, in hex: equal specs have equal digests.

    Keys that are None are left out. So a later version may add a key with the default None: the
    digest of every spec that does not set it stays the same.
    """
    return _sha256(_without_none(msgspec.to_builtins(spec)))


def key_digests(spec: Spec) -> dict[str, str]:
    """Returns the digest of every key by its dotted path, to find where two specs differ."""
    values = _without_none(msgspec.to_builtins(spec))
    return {key: _sha256(value) for key, value in _leaves("", values)}


def first_difference(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """Returns the first key at which two specs differ, given the digests of their keys."""
    for key in sorted(ours.keys() | theirs.keys()):
        if ours.get(key) != theirs.get(key):
            return key
    return "a default"


def _as_written(value: Any) -> Any:
    if isinstance(value, PurePath):
        return str(value)
    if getattr(value, "shape", None) == ():
        return value.item()  # a number of NumPy
    raise TypeError(f"a {type(value).__name__} is no value of a TOML file")


def _sha256(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        keys = cast(dict[str, Any], value)
        return {key: _without_none(inner) for key, inner in keys.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_without_none(inner) for inner in cast(Sequence[Any], value)]
    return value


def _leaves(path: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        return [
            leaf
            for key, inner in cast(dict[str, Any], value).items()
            for leaf in _leaves(f"{path}.{key}" if path else key, inner)
        ]
    return [(path, value)]


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        defaults = {field.name: _default(field) for field in msgspec.structs.fields(value)}
        config = value.__struct_config__  # has the tag of a union of tables
        tag = {} if config.tag_field is None else {config.tag_field: config.tag}
        return tag | {
            name: _plain(inner)
            for name, inner in msgspec.structs.asdict(value).items()
            if inner is not None and inner != defaults[name]
        }
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in cast(dict[str, Any], value).items()}
    return msgspec.to_builtins(value)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default
