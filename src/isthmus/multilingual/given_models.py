"""Models and tables that a job begins with: looked at before anything is read or trained."""

from pathlib import Path

from isthmus.core.errors import SpecError
from isthmus.multilingual.objectives import check_lengths
from isthmus.multilingual.spec import Multilingual
from isthmus.store.run_folders import LATEST
from isthmus.text import model_files, model_folder
from isthmus.text.dictionary import files as dictionary_files
from isthmus.text.tokenizer import Tokenizer


def check(spec: Multilingual, folder: Path) -> None:
    """Refuse files that a job names and that are not what they should be.

    Args:
        spec: The `[multilingual]` table.
        folder: The folder that its paths are relative to.

    Raises:
        SpecError: A file is missing, broken or of another kind.
    """
    encoder = spec.encoder
    for key, given in (
        ("encoder.continued", encoder.continued),
        ("encoder.tokenizer", encoder.tokenizer),
        ("objectives.teacher", spec.objectives.teacher),
    ):
        if given is not None:
            _check_stays(key, folder / given)
    if encoder.continued is not None:
        _check_continued(spec, folder / encoder.continued)
    if encoder.tokenizer is not None:
        tokenizer = Tokenizer.load(folder / encoder.tokenizer)
        if encoder.type != "static":
            tokenizer.specials()
    if spec.objectives.distillation and spec.objectives.teacher is not None:
        model_folder.kind(folder / spec.objectives.teacher)
    if spec.mixing.table is not None:
        dictionary_files.load_table(folder / spec.mixing.table)


def languages_before(spec: Multilingual, folder: Path) -> tuple[str, ...]:
    """Returns the languages of the encoder that the job goes on from, as far as it tells them."""
    if spec.encoder.continued is None:
        return ()
    facts = model_files.read_facts(folder / spec.encoder.continued)
    return facts.languages if facts else ()


def _check_stays(key: str, path: Path) -> None:
    """Refuse a path through the link to the latest run: the run that begins moves it to itself.

    Args:
        key: Where the job names it.
        path: The file or folder.

    Raises:
        SpecError: It leads through such a link.
    """
    if any(each.name == LATEST and each.is_symlink() for each in (path, *path.parents)):
        raise SpecError(
            f"`multilingual.{key}`: {path} leads through `{LATEST}`, which is this run as soon as "
            f"it begins. Name the run itself: {path.resolve()}."
        )


def _check_continued(spec: Multilingual, model: Path) -> None:
    """Refuse an encoder to go on from that is of another kind than the job says.

    Args:
        spec: The `[multilingual]` table.
        model: Its folder.

    Raises:
        SpecError: It is, or it is none, or its tokenizer is another than it was trained with.
    """
    found, said = model_folder.kind(model), spec.encoder.type
    if (found == "static") is not (said == "static"):
        fitting = "static" if found == "static" else "tiny"
        raise SpecError(
            f"{model}: holds a {found} encoder, and `multilingual.encoder.type` is {said!r}: set "
            f"it to {fitting!r}, or name another folder in `multilingual.encoder.continued`."
        )
    facts = model_files.read_facts(model)
    model_files.read_tokenizer(model, facts)
    if facts is not None:
        check_lengths(spec.matryoshka, facts.size)
