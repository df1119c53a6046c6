"""Which objectives a job asks for, and whether they fit its encoder."""

from isthmus.core.errors import SpecError
from isthmus.multilingual.spec import Multilingual, Objectives

BILINGUAL = ("pairs", "tlm", "camlm")
"""Objectives on texts with their translations."""

MASKED = ("mlm", "tlm", "camlm", "btmlm")
"""Objectives that predict pieces from what stands around them, which takes layers."""

SECOND = "btmlm"
"""The objective that begins when the losses of the others are flat."""

NAMES = ("pairs", "switched", *MASKED, "distillation")


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
    masked = [name for name in MASKED if name in found]
    if masked and spec.encoder.type == "static":
        raise SpecError(
            f"`multilingual.objectives.{masked[0]}` predicts a piece from those around it, and a "
            'static encoder looks at each alone: give `multilingual.encoder.type = "tiny"`, or '
            "take it out."
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
