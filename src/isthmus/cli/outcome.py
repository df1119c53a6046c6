"""The end of a run: what a command prints of it, for people and for programs."""

from typing import TYPE_CHECKING

import msgspec
from rich.console import Group

from isthmus.answers import parts
from isthmus.answers.text import draw
from isthmus.cli.answer import Answer, tell
from isthmus.core.attempts import Attempts

if TYPE_CHECKING:  # commands load what they need when they run
    from isthmus.jobs.result import Summary
    from isthmus.store.runs import Run


def of(run: "Run") -> Answer:
    """Tell people how a run ended, and make its result the answer for programs.

    Args:
        run: A finished run.

    Returns:
        The result, and where the run left what.
    """
    from isthmus.jobs import finished

    result = finished.read(run)
    attempts = Attempts()
    attempts.find("summary", lambda: tell(shown(finished.summary(run))))
    for why in attempts.missing.values():
        tell(f"The run has finished, and its end cannot be shown: {why}")
    places = {"run": run.folder, "report": run.report, "index": run.index}
    return Answer(
        msgspec.to_builtins(result)
        | {name: str(path) for name, path in places.items() if path.exists()}
    )


def shown(summary: "Summary") -> Group:
    """The page about the end of a run.

    Args:
        summary: What the run came to.

    Returns:
        Metrics, other tables, and facts below each other.
    """
    return draw(parts.ended(summary))
