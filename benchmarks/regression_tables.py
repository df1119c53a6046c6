"""Tables of the benchmark of joint regression: who trained what, and what it took."""

from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.elementwise import Elementwise
from benchmarks.measurement import Row
from benchmarks.regression_jobs import Spent, Trained
from benchmarks.regression_rivals import Fitted
from benchmarks.simulated import ACTIVE, PASSIVE

ENCRYPTED, SHARED, CLEAR = "encrypted", "shared", "in the clear"
"""Names of ours: the two levels, and the same messages as they are."""

SHARED_SOONER = "shared, fewer rounds"
"""The same training, ended when ranks are right and coefficients still move."""

OU = "encrypted, Okamoto-Uchiyama-3072 by "
"""And the name of an engine."""

ELEMENTWISE = "elementwise, phe-"
"""And the bits of its modulus."""

COLUMNS, CPU = "columns", "CPU s a round"
"""Columns of a table."""


@dataclass(frozen=True)
class Beside:
    """Trainings on the same rows, by name of who trained."""

    name: str
    """Of the rows."""

    fits: Mapping[str, Fitted]

    def fit_rows(self) -> list[Row]:
        """The table of whole trainings."""
        ours, clear = self.fits[ENCRYPTED], self.fits[CLEAR]
        return [
            {
                "by": name,
                "rounds": fitted.rounds,
                "s": fitted.fit.wall,
                "CPU s": fitted.fit.cpu,
                "MB": fitted.sent / 1e6 if fitted.sent else "-",
                "s / in the clear": fitted.fit.wall / clear.fit.wall,
                "CPU s / encrypted": fitted.fit.cpu / ours.fit.cpu,
                "AUC": fitted.auc if fitted.auc else "-",
            }
            for name, fitted in self.fits.items()
        ]

    def round_rows(self) -> list[Row]:
        """The table of rounds, or of passes over the rows."""
        return [
            {
                "by": name,
                "s": fitted.round.wall,
                "CPU s": fitted.round.cpu,
                "MB": fitted.sent / fitted.rounds / 1e6 if fitted.sent else "-",
            }
            for name, fitted in self.fits.items()
        ]


def fitted(trained: Trained) -> Fitted:
    """What a whole training of ours took."""
    return Fitted(trained.rounds, trained.fit, trained.round, trained.sent, trained.auc)


def reckoned(trained: Trained, rounds: int) -> Fitted:
    """What a training would have taken that was ended early."""
    each = trained.round
    whole = Spent(each.wall * rounds, each.cpu * rounds)
    return Fitted(rounds, whole, each, trained.sent * rounds // trained.rounds, auc=0.0)


def elementwise(rival: Elementwise, rows: int, columns: int, rounds: int) -> Fitted:
    """What elementwise Paillier would take; it has one thread, and its messages are not counted."""
    each = rival.round(rows, columns)
    return Fitted(rounds, Spent(each * rounds, each * rounds), Spent(each, each), 0, auc=0.0)


def more_rows(trained: Mapping[int, Trained]) -> list[Row]:
    """The table of made-up rows, by their number."""
    return [
        {
            "rows": rows,
            COLUMNS: run.columns,
            "rounds": run.rounds,
            "first round, s": run.first_round.wall,
            "s a round": run.round.wall,
            CPU: run.round.cpu,
            "CPU s per 100,000 rows": run.round.cpu / rows * 1e5,
            "MB a round": run.sent / run.rounds / 1e6,
            **{
                f"{party}: MB of memory {when}": round(found / 1e6)
                for party in (ACTIVE, PASSIVE)
                for when, found in zip(
                    ("before", "at most", "of workers"),
                    (*run.memory(party), run.courses[party].workers_memory),
                    strict=True,
                )
            },
        }
        for rows, run in trained.items()
    ]


def stages(trained: Mapping[str, Trained]) -> list[Row]:
    """The table of what each party waits for in a round."""

    def seconds(run: Trained, party: str, stage: str) -> float:
        return run.results[party].seconds.get(stage, 0.0) / run.rounds

    return [
        {
            "rows": name,
            "active: encryption": seconds(run, ACTIVE, "encryption"),
            "active: waiting for sums": seconds(run, ACTIVE, "transport"),
            "active: decryption": seconds(run, ACTIVE, "decryption"),
            "passive: waiting for residuals": seconds(run, PASSIVE, "transport"),
            "passive: kernel": seconds(run, PASSIVE, "kernel"),
            "passive: masks": seconds(run, PASSIVE, "encryption"),
        }
        for name, run in trained.items()
    ]


def slow_line(trained: Mapping[str, Trained], rate: float) -> list[Row]:
    """The table of a slow line, by name of who trained."""
    return [
        {
            "by": name,
            "rounds": run.rounds,
            "s a round": run.round.wall,
            "MB a round": run.sent / run.rounds / 1e6,
            "s that the bytes take": 8 * run.sent / run.rounds / rate,
        }
        for name, run in trained.items()
    ]


def workers(trained: Mapping[str, Trained]) -> list[Row]:
    """The table of worker processes; the first training has none."""
    first = next(iter(trained.values()))
    return [
        {
            "computed by": name,
            "s a round": run.round.wall,
            "CPU s a round": run.round.cpu,
            "first round, s": run.first_round.wall,
            "same coefficients, to the last bit": "yes" if _model(run) == _model(first) else "no",
        }
        for name, run in trained.items()
    ]


def _model(trained: Trained) -> list[object]:
    return [
        (part.columns, part.intercept) for part in map(trained.parts.get, (ACTIVE, PASSIVE)) if part
    ]
