# /// script
# requires-python = "==3.11.*"
# dependencies = [
#   "django==5.2.19",
#   "jupyterlab-language-pack-de-DE==4.5.post3",
#   "jupyterlab-language-pack-es-ES==4.5.post3",
#   "jupyterlab-language-pack-fr-FR==4.5.post3",
#   "jupyterlab-language-pack-ru-RU==4.5.post3",
#   "jupyterlab-language-pack-zh-CN==4.5.post3",
#   "polib==1.2.0",
# ]
# ///
"""Writes the messages of this example; see DATA.md. Run once, by us."""

import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

import polib

FOLDER = Path(__file__).parent
LANGUAGES = {
    "fr": ("fr", "fr_FR"),
    "zh": ("zh_Hans", "zh_CN"),
    "ru": ("ru", "ru_RU"),
    "de": ("de", "de_DE"),
    "es": ("es", "es_ES"),
}
"""Name of each language at Django and in the language packs."""

HELD_OUT = {
    *(f"django/{app}/django" for app in ("admindocs", "auth", "flatpages", "gis", "postgres")),
    *(f"jupyter/{name}" for name in ("jupyterlab_spreadsheet_editor", "jupytext", "nbdime")),
    *(f"jupyter/{name}" for name in ("notebook", "spellchecker")),
}
"""Catalogues to test on."""

FEWEST_WORDS = 2
CONTEXT = "\x04"  # parts a message of the language packs from the context before it
PLACEHOLDER = re.compile(
    r"%\(\w*\)[-+#0 ]*[\d.]*[a-zA-Z]|%[-+#0]*[\d.]*[sdrif%]|%\d|\{+[^{}]*\}+|<[^<>]+>|&\w+;"
)
ACCELERATOR = re.compile(r"(?<!\w)&(?=\w)")

Message = tuple[str, str, str]
"""Name of the catalogue, message in English, translation."""


def main() -> None:
    """Gather the messages of all catalogues: a row per English message of a catalogue."""
    rows = dict[tuple[str, str], dict[str, str]]()
    for language, (django, jupyter) in LANGUAGES.items():
        for document, message, translation in chain(of_django(django), of_jupyter(jupyter)):
            english, text = cleaned(message), cleaned(translation)
            if len(re.findall(r"\w+", english)) >= FEWEST_WORDS and text not in {"", english}:
                rows.setdefault((document, english), {"en": english}).setdefault(language, text)
    trained = [(document, row) for (document, _), row in rows.items() if document not in HELD_OUT]
    held_out = [(document, row) for (document, _), row in rows.items() if document in HELD_OUT]
    for language in LANGUAGES:
        told = [(document, row) for document, row in trained if language in row]
        write(f"en-{language}.tsv.gz", ["en", language], told)
    write("held-out.tsv.gz", ["en", *LANGUAGES], held_out)
    write_shuffled("left.txt", [row["en"] for _, row in held_out], without=0)
    write_shuffled("right.txt", [row.get("fr", "") for _, row in held_out], without=1)


def of_django(name: str) -> Iterator[Message]:
    """Messages of Django in one language, those that are marked as fuzzy left out."""
    root = folder_of("django")
    for path in sorted(root.glob(f"**/locale/{name}/LC_MESSAGES/*.po")):
        app = path.relative_to(root).parts[-5]
        for entry in polib.pofile(str(path)):
            translation = entry.msgstr or entry.msgstr_plural.get(0)
            if translation and not entry.fuzzy and not entry.obsolete:
                yield f"django/{app}/{path.stem}", entry.msgid, translation


def of_jupyter(name: str) -> Iterator[Message]:
    """Messages of JupyterLab and of its extensions in one language."""
    root = folder_of(f"jupyterlab_language_pack_{name}")
    for path in sorted(root.glob("locale/*/LC_MESSAGES/*.json")):
        for message, translations in json.loads(path.read_text("utf-8")).items():
            if message and isinstance(translations, list) and translations[0]:
                yield f"jupyter/{path.stem}", message.rpartition(CONTEXT)[2], translations[0]


def cleaned(text: str) -> str:
    """A message without what programs put in its place, marks of HTML, and line breaks."""
    return " ".join(ACCELERATOR.sub("", PLACEHOLDER.sub(" ", text)).split())


def folder_of(package: str) -> Path:
    """Find the folder of a package.

    Args:
        package: Its name.

    Returns:
        The folder.

    Raises:
        SystemExit: It is not installed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed: run this file with `uv run`.")
    return Path(spec.origin).parent


def write(name: str, languages: Sequence[str], rows: Sequence[tuple[str, dict[str, str]]]) -> None:
    """Write a table, the same bytes whenever it is written."""
    lines = ["\t".join(["document", *languages])]
    for document, row in sorted(rows, key=lambda each: each[0]):
        lines.append("\t".join([document, *(row.get(language, "") for language in languages)]))
    content = "".join(f"{line}\n" for line in lines).encode()
    (FOLDER / name).write_bytes(gzip.compress(content, mtime=0))


def write_shuffled(name: str, texts: Sequence[str], without: int) -> None:
    """Write four of five texts in any order, each once: which left out is another in each file."""
    kept = {text: None for number, text in enumerate(texts) if text and number % 5 != without}
    lines = random.Random(name).sample(list(kept), len(kept))
    (FOLDER / name).write_text("".join(f"{line}\n" for line in lines), "utf-8")


if __name__ == "__main__":
    main()
