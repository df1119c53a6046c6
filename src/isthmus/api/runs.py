"""A finished run, for people and programs in Python."""
# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from isthmus.answers import parts
from isthmus.answers.parts import Part
from isthmus.api.drawn import Drawn
from isthmus.api.frames import ArrowStream, frame, write_texts
from isthmus.api.inputs import unnamed
from isthmus.api.online import OnlineScorer
from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Sink, silent
from isthmus.evaluation.description import Metrics, PartialMetrics, measured
from isthmus.jobs import finished, trained
from isthmus.jobs import texts as encoders
from isthmus.jobs.result import AnyResult, SimulatedResult
from isthmus.ledger.record import Record, records
from isthmus.ledger.summary import Row, summarise
from isthmus.store import runs


class Ledger(Drawn, dict[str, list[Row]]):
    """What left each party, by its name: a row per kind of message and peer."""

    def __init__(self, entries: dict[str, list[Record]]) -> None:
        super().__init__({party: summarise(sent) for party, sent in entries.items()})
        told = (each.notice for sent in entries.values() for each in sent if each.notice)
        self.notices = list(dict.fromkeys(told))

    def _page(self) -> Iterable[Part]:
        return parts.sent(self, self.notices) if self else ["Nothing left this machine."]


class Run(Drawn):
    """A finished run: of one party, of all parties on this machine, or of one organisation."""

    def __init__(self, folder: Path) -> None:
        """Open a run; `load` does it for a path that may not be one.

        Args:
            folder: The run folder.
        """
        self._run = runs.Run(folder)
        self._online: OnlineScorer | None = None

    @property
    def folder(self) -> Path:
        """Where all of it lies."""
        return self._run.folder

    @cached_property
    def result(self) -> AnyResult:
        """All that `result.json` says."""
        return finished.read(self._run)

    @property
    def metrics(self) -> Metrics:
        """Value by measure, then by model; empty where nothing was measured here."""
        found: PartialMetrics = getattr(self.result, "metrics", {})
        return measured(found)

    @property
    def predictions(self) -> Any:
        """Scores of the test rows, a `pyarrow.Table`, at the party that has their labels.

        Raises:
            SpecError: There are none here.
        """
        for run in self._parties().values():
            if run.predictions.exists():
                try:
                    return parquet.read_table(run.predictions)
                except (pa.ArrowException, OSError):
                    raise SpecError(
                        f"{run.predictions}: is not a Parquet file any more. Run the job again."
                    ) from None
        raise SpecError(
            f"{self.folder}: there are no predictions here. The party that has the labels keeps "
            "them; a network and scoring online leave none."
        )

    def predict(self, rows: ArrowStream) -> Any:
        """Score rows with the model of a run.

        Args:
            rows: A data frame of pandas, polars, DuckDB, pyarrow or another with
                `__arrow_c_stream__`, with the columns of the rows that the run trained on. Of a run
                of several parties, as in `OnlineScorer.predict`; `online` has to be called first.

        Returns:
            The scores, a `pyarrow.Table`.

        Raises:
            SpecError: The run has no model that scores rows, or the rows do not fit it.
        """
        if self._online is not None and not self._online.closed:
            return self._online.predict(rows)
        with TemporaryDirectory(prefix="isthmus-") as name, unnamed(Path(name)):
            given, scores = Path(name, "rows.parquet"), Path(name, "scores.parquet")
            frame(rows).write(given)
            trained.predict(self.folder, given, scores)
            return parquet.read_table(scores)

    def online(
        self,
        job: str | Path,
        party: str | Path,
        into: str | Path | None = None,
        watch: Sink = silent,
    ) -> OnlineScorer:
        """Open lines to the other parties that trained this run, to score single rows with them.

        The lines are open when this returns, and `predict` of this run uses them until the scorer
        is closed.

        Args:
            job: The file that all parties agreed on, with a table `[prediction.online]`.
            party: The file of this party, the active one.
            into: Folder for this run; by default a new one in the party's `runs`.
            watch: Sees events as they happen.

        Returns:
            What scores rows; close it, or use it in a `with`.

        Raises:
            SpecError: A file, or the data it names, does not fit the job.
            IsthmusError: Anything else that a person can act on, as on the command line.
        """
        model: str = getattr(self.result, "model", "")
        folder = None if into is None else Path(into)
        self._online = OnlineScorer(Path(job), Path(party), model, folder, watch)
        return self._online

    def embed(self, texts: Sequence[str]) -> Any:
        """Turn texts into vectors with the encoder of a run.

        Args:
            texts: The texts, in any of its languages.

        Returns:
            Shape (texts, size), a `numpy.ndarray`: vectors of length 1, zeros of an empty text.

        Raises:
            SpecError: The run trained no encoder of texts, or one of these is no text.
        """
        with TemporaryDirectory(prefix="isthmus-") as name, unnamed(Path(name)):
            given, vectors = Path(name, "texts.parquet"), Path(name, "vectors.parquet")
            write_texts(texts, given)
            found = encoders.embed(self.folder, given, vectors)
            column = parquet.read_table(vectors)["vector"].combine_chunks()
            return column.flatten().to_numpy().reshape(found.texts, found.size)

    @property
    def report(self) -> Path | dict[str, Path]:
        """The page about the run; of a simulated run, that of each party by its name.

        Raises:
            SpecError: The run trained nothing.
        """
        found = {name: run.report for name, run in self._parties().items() if run.report.exists()}
        if isinstance(self.result, SimulatedResult):
            return found
        if not found:
            raise SpecError(f"{self.folder}: this run has no report, as it trained nothing.")
        return self._run.report

    @property
    def ledger(self) -> Ledger:
        """What left each party, by its name."""
        return Ledger(
            {
                name: list(records(run.ledger))
                for name, run in self._parties().items()
                if run.ledger.exists()
            }
        )

    def _parties(self) -> dict[str, runs.Run]:
        """The runs of single parties, by their names."""
        result = self.result
        if isinstance(result, SimulatedResult):
            return {party: runs.Run(self.folder / party) for party in result.parties}
        return {getattr(result, "party", ""): self._run}

    def _page(self) -> Iterator[Part]:
        return parts.ended(finished.summary(self._run))

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"


def load(path: str | Path) -> Run:
    """Open a finished run.

    Args:
        path: A run folder, or a folder of runs, which stands for its latest one.

    Returns:
        The run.

    Raises:
        SpecError: There is none, or it has not finished.
    """
    run = Run(runs.find(Path(path)).folder)
    run.result  # noqa: B018 - read here, so that what is missing is told here
    return run
