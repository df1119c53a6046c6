"""Scores of single rows by a model of several parties, over lines that stay open."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from isthmus.api.frames import ArrowStream, frame
from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Sink, silent
from isthmus.jobs import run as running


class OnlineScorer:
    """Open lines to the parties that answer; close it, or use it in a `with`."""

    def __init__(
        self, job: Path, party: Path, model: str, into: Path | None = None, watch: Sink = silent
    ) -> None:
        """Wait for the other parties, align, and open the lines; `Run.online` does it.

        Args:
            job: The file that all parties agreed on.
            party: The file of this party, which asks.
            model: Digest of the model.
            into: Folder for this run; by default a new one in the party's runs folder.
            watch: Sees events as they happen.

        Raises:
            SpecError: A file, or the data it names, does not fit the job.
            IsthmusError: Anything else that a person can act on, as on the command line.
        """
        self._open = ExitStack()
        opened = self._open.enter_context(running.scoring(job, party, model, into, watch))
        self._run, self._score = opened
        self._closed = False

    @property
    def folder(self) -> Path:
        """Where result and ledger of this run lie; whole once it is closed."""
        return self._run.folder

    def predict(self, rows: ArrowStream) -> Any:
        """Score rows; all passive parties are asked about them in one request.

        Args:
            rows: A data frame of pandas, polars, DuckDB, pyarrow or another with
                `__arrow_c_stream__`: the identifier columns of the job's data set, and this party's
                columns that the model was trained on. With identifiers alone, the columns are
                those of the data set.

        Returns:
            The scores in the order of the rows, a `pyarrow.Table` as `predictions.parquet`.

        Raises:
            SpecError: A row is none of the shared ones, the rows do not fit, or they are more than
                the job allows; nothing was sent.
            ChannelError: A party that answers has stopped, or the line to it is cut.
            PeerError: It broke the protocol.
        """
        if self._closed:
            raise SpecError("the lines are closed: open them again with `Run.online`.")
        return self._score(frame(rows).rows)

    def close(self) -> None:
        """Tell the other parties that there are no more requests, and seal the ledger."""
        if not self._closed:
            self._closed = True
            self._open.close()

    @property
    def closed(self) -> bool:
        """Whether there are no more scores."""
        return self._closed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()
