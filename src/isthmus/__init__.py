"""isthmus: joint training across data islands. Importing it loads nothing else."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what `__getattr__` hands out, for type checkers and editors
    from isthmus.api.frames import frame
    from isthmus.api.parties import Party
    from isthmus.api.runs import Run, load
    from isthmus.api.sharing import run_process
    from isthmus.api.texts import evaluate, mine, mix
    from isthmus.api.verbs import check, explain, run, simulate
    from isthmus.core.errors import IsthmusError
    from isthmus.horizontal.encoders.spec import Encoders
    from isthmus.horizontal.weighting.spec import Weighting
    from isthmus.jobs.job import Job
    from isthmus.multilingual.spec import Multilingual
    from isthmus.multitask.spec import Multitask
    from isthmus.vertical.baseline.spec import BoostingBaseline, RegressionBaseline
    from isthmus.vertical.boosting.spec import Boosting
    from isthmus.vertical.prediction.spec import Prediction
    from isthmus.vertical.regression.spec import Regression

__all__ = [
    "Boosting",
    "BoostingBaseline",
    "Encoders",
    "IsthmusError",
    "Job",
    "Multilingual",
    "Multitask",
    "Party",
    "Prediction",
    "Regression",
    "RegressionBaseline",
    "Run",
    "Weighting",
    "check",
    "evaluate",
    "explain",
    "frame",
    "load",
    "mine",
    "mix",
    "run",
    "run_process",
    "simulate",
]

_MODULES = {
    "IsthmusError": "core.errors",
    "Job": "jobs.job",
    "Party": "api.parties",
    "Run": "api.runs",
    "check": "api.verbs",
    "evaluate": "api.texts",
    "explain": "api.verbs",
    "frame": "api.frames",
    "load": "api.runs",
    "mine": "api.texts",
    "mix": "api.texts",
    "run": "api.verbs",
    "run_process": "api.sharing",
    "simulate": "api.verbs",
}
"""Where each public name is, but for those of tables of a job: the registry knows them."""


def __getattr__(name: str) -> Any:
    """Load a public name when somebody asks for it.

    Args:
        name: The name.

    Returns:
        What it stands for.

    Raises:
        AttributeError: There is no such name.
    """
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("isthmus")
    if name in _MODULES:
        from importlib import import_module  # noqa: PLC0415

        return getattr(import_module(f"isthmus.{_MODULES[name]}"), name)
    if not name.startswith("_"):
        from isthmus.jobs.registry import tables  # noqa: PLC0415

        if name in (found := tables()):
            return found[name]
    raise AttributeError(f"module 'isthmus' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Public names, so that they can be completed before they are loaded."""
    return [*__all__, "__version__"]
