"""Reading translation memories (TMX 1.4), whose entities and inner DTD are refused.

The parser is the standard library's expat, which reads no other file unless told to. What is left
of the attacks on XML are entities that a file declares itself: none is allowed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

from isthmus.core.errors import SpecError
from isthmus.multilingual.corpora.files import LONGEST, opened
from isthmus.multilingual.corpora.rows import Row

_CODES = frozenset({"bpt", "ept", "it", "ph", "sub", "ut"})
"""Elements within a text that hold codes of its format, such as HTML, and no words."""

_BYTES_AT_ONCE = 2**16
_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,3}")
_MOST_TAGS = 12


def rows_of_memory(path: Path, languages: Sequence[str], document: str | None) -> Iterator[Row]:
    """Read the units of a translation memory, a piece of the file at a time.

    Args:
        path: The file.
        languages: What a row has texts in. A text in en-GB counts as en, unless both are asked for.
        document: The type of the `prop` that names the document of a unit, if there is one.

    Yields:
        A row per unit; languages that it lacks are None.

    Raises:
        SpecError: It cannot be read, is no XML, declares an entity, or has none of the languages.
    """
    units = _Units(path, languages, document)
    with opened(path) as file:
        for piece in _pieces(file):
            units.read(piece)
            yield from units.take()
    units.check_languages()


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_BYTES_AT_ONCE):
        yield piece
    yield b""


class _Units:
    """Collects the units of a file while expat reads it."""

    def __init__(self, path: Path, languages: Sequence[str], document: str | None) -> None:
        self._path = path
        self._languages = languages
        self._naming = document
        self._done = list[Row]()
        self._units = 0
        self._tags = set[str]()
        self._known = False
        self._unit: dict[str, str] = {}
        self._document: str | None = None
        self._tag = ""
        self._text: list[str] | None = None
        self._length = 0
        self._codes = 0
        self._of_document = False
        self._parser = self._make_parser()

    def _make_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._add
        parser.StartDoctypeDeclHandler = self._check_doctype
        parser.EntityDeclHandler = self._refuse_entity
        parser.SkippedEntityHandler = self._refuse_entity
        parser.ExternalEntityRefHandler = self._refuse_file
        return parser

    def read(self, piece: bytes) -> None:
        """Parse a piece of the file.

        Args:
            piece: The next piece; an empty one ends the file.

        Raises:
            SpecError: It is no XML, or has an entity of its own, or a text that is too long.
        """
        try:
            self._parser.Parse(piece, not piece)
        except expat.ExpatError as error:
            raise SpecError(
                f"{self._path}: line {error.lineno:,} is not XML in the encoding that the file "
                f"names ({expat.ErrorString(error.code)}). Export the file again."
            ) from None

    def take(self) -> list[Row]:
        """Returns the units that are complete and were not taken before."""
        done, self._done = self._done, []
        return done

    def check_languages(self) -> None:
        """Refuse a file without any of the languages, and one without units.

        Raises:
            SpecError: It is such a file.
        """
        if self._units and not self._known:
            tags = ", ".join(sorted(self._tags)[:_MOST_TAGS]) or "none"
            raise SpecError(
                f"{self._path}: has no text in {' or '.join(self._languages)}. The languages of "
                f"its texts are {tags}: correct `languages`."
            )

    def _begin(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "tu":
            self._unit, self._document = {}, None
        elif name == "tuv":
            self._tag = attributes.get("xml:lang") or attributes.get("lang") or ""
        elif name == "seg":
            self._text, self._length, self._codes = [], 0, 0
        elif name in _CODES:
            self._codes += 1
        elif name == "prop" and self._naming is not None:
            self._of_document = attributes.get("type") == self._naming
            self._document = "" if self._of_document else self._document

    def _end(self, name: str) -> None:
        if name == "tu":
            self._units += 1
            texts = [_text_in(self._unit, language) for language in self._languages]
            self._known = self._known or any(text is not None for text in texts)
            naming = None if self._naming is None else self._document or ""
            self._done.append(Row(naming, texts))
        elif name == "seg" and self._text is not None:
            self._unit.setdefault(self._tag.replace("_", "-").lower(), "".join(self._text))
            if len(self._tags) < _MOST_TAGS and _TAG.fullmatch(self._tag):
                self._tags.add(self._tag)
            self._text = None
        elif name in _CODES:
            self._codes -= 1
        elif name == "prop":
            self._of_document = False

    def _add(self, text: str) -> None:
        if self._of_document:
            self._document = (self._document or "") + text
        if self._text is None or self._codes:
            return
        self._length += len(text)
        if self._length > LONGEST:
            raise SpecError(
                f"{self._path}: line {self._parser.CurrentLineNumber:,} is in a text of more than "
                f"{LONGEST:,} characters. Export the file again, a sentence a unit."
            )
        self._text.append(text)

    def _check_doctype(
        self, _name: str, _system: str | None, _public: str | None, inner: object
    ) -> None:
        if inner:
            self._refuse_entity()

    def _refuse_file(self, *_: object) -> int:
        self._refuse_entity()
        return 0

    def _refuse_entity(self, *_: object) -> None:
        raise SpecError(
            f"{self._path}: line {self._parser.CurrentLineNumber:,} declares or uses an entity of "
            "the file's own, or holds a DTD. Such files can make a reader grow without end, so "
            "they are not read: export it with plain text and the five entities of XML."
        )


def _text_in(unit: Mapping[str, str], language: str) -> str | None:
    """Returns the text in a language, or in one of its regions."""
    wanted = language.lower()
    if wanted in unit:
        return unit[wanted]
    return next((text for tag, text in unit.items() if tag.startswith(f"{wanted}-")), None)
