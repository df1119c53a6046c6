"""Which objectives a job asks for, and whether they fit its encoder."""

from collections.abc import Mapping, Sequence

from isthmus.core.errors import SpecError
from isthmus.multilingual.spec import Multilingual, Objectives

CONTRAST = ("pairs", "switched")
"""Objectives on texts that mean the same, against others of the batch."""

BILINGUAL = ("pairs", "tlm", "camlm")
"""Objectives on texts with their translations."""

MASKED = ("mlm", "tlm", "camlm", "btmlm")
"""Objectives that predict pieces from what stands around them, or from the translation."""

SECOND = "btmlm"
"""The objective that begins when the losses of the others are flat."""

NAMES = (*CONTRAST, *MASKED, "distillation")


def weights(spec: Objectives) -> dict[str, float]:
    """Returns the weight of each objective that counts, by name."""
    return {name: weight for name in NAMES if (weight := float(getattr(spec, name))) > 0}


def check(spec: Multilingual) -> None:
    """Refuse objectives that cannot be what they say.

    Args:
        spec: The `[multilingual]` table.

    Raises:
        SpecError: There is none, one does not fit the encoder, or the teacher is missing.
    """
    found = weights(spec.objectives)
    if not found:
        raise SpecError(
            "[multilingual.objectives] leaves all objectives out: give one a weight above 0."
        )
    if set(found) == {SECOND}:
        raise SpecError(
            f"`multilingual.objectives.{SECOND}` begins when another loss is flat, and it is the "
            "only one: add camlm, tlm or pairs."
        )
    if "distillation" in found and spec.objectives.teacher is None:
        raise SpecError(
            "`multilingual.objectives.distillation` needs a teacher: name the folder of an encoder "
            "in `multilingual.objectives.teacher`."
        )
    _check_begin(spec, found)


def check_lengths(lengths: Sequence[int], size: int) -> None:
    """Refuse beginnings of vectors that are longer than these.

    Args:
        lengths: The lengths.
        size: Numbers of a vector.

    Raises:
        SpecError: One is longer.
    """
    if any(each > size for each in lengths):
        raise SpecError(
            f"`multilingual.matryoshka` has a length of {max(lengths):,}, but vectors have "
            f"{size:,} numbers: give lengths below that."
        )


def _check_begin(spec: Multilingual, found: Mapping[str, float]) -> None:
    """Refuse a static encoder to begin with that cannot be trained.

    Args:
        spec: The `[multilingual]` table.
        found: The objectives that count.

    Raises:
        SpecError: It has nothing to learn from, or nothing begins with it.
    """
    encoder = spec.encoder
    if encoder.begin == "drawn":
        return
    if encoder.type == "static" or encoder.continued is not None:
        raise SpecError(
            '`multilingual.encoder.begin = "static"` is for an encoder with layers that begins '
            "anew: leave it out, or give another `type` and no `continued`."
        )
    if not any(name in found for name in CONTRAST):
        raise SpecError(
            '`multilingual.encoder.begin = "static"` trains a static encoder first, which learns '
            "from pairs or switched: give one of these objectives a weight above 0."
        )
