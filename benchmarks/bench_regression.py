"""What does a joint regression cost, beside the same in the clear and beside its rivals?

Both parties run as processes on this machine, over mutual TLS. Each table has a function of its
own.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec.structs import replace

from benchmarks import (
    far_networks,
    regression_accuracy,
    regression_aims,
    regression_attacks,
    regression_notes,
    regression_ray,
    regression_tables,
    simulated,
)
from benchmarks.elementwise import Elementwise, time_elementwise
from benchmarks.measurement import Measurement, Row
from benchmarks.regression_accuracy import Case
from benchmarks.regression_jobs import Line, Trained, train
from benchmarks.regression_notes import SLOW_BITS, SLOW_DELAY, Sizes
from benchmarks.regression_rivals import RIVALS, SSLR, Fitted, Rival
from benchmarks.regression_tables import (
    CLEAR,
    ELEMENTWISE,
    ENCRYPTED,
    OU,
    SHARED,
    SHARED_SOONER,
    Beside,
    elementwise,
    fitted,
    reckoned,
)
from benchmarks.simulated import ACTIVE, PASSIVE, TEST, Workload
from isthmus.core.errors import SpecError
from isthmus.crypto import keys
from isthmus.crypto.encryption import Engine, RegressionEncryption
from isthmus.jobs.party import Compute
from isthmus.vertical.regression.spec import Regression, Shared

BFV = RegressionEncryption(scheme="bfv")

SIZES = Sizes()


def real_cases(folder: Path) -> list[Case]:
    """Rows of several kinds, and jobs at both levels; `shared` has no multinomial family.

    Args:
        folder: Where files go.

    Returns:
        The cases.
    """
    health = regression_accuracy.health(folder)
    breast = simulated.real("breast", 20)
    vehicle = simulated.real("vehicle_scale", 9)
    hardest = regression_accuracy.one_against_the_rest(vehicle, 0, folder)
    few_labels = {"label_exposure": 0.2}  # 20 columns, and 174 rows of the rarer label
    most = 300  # rounds, so that trainings come to their end
    return [
        Case(health, [_encrypted(health), _shared(health, 12)]),
        Case(
            breast,
            [
                _encrypted(breast, max_rounds=most, **few_labels),
                _shared(breast, 60, **few_labels),
            ],
        ),
        Case(hardest, [_encrypted(hardest, max_rounds=most), _shared(hardest, 60)]),
        Case(vehicle, [_encrypted(vehicle, max_rounds=most, family="multinomial", classes=4)]),
    ]


def measure(
    sizes: Sizes = SIZES,
    rivals: Mapping[str, Rival] = RIVALS,
    real: Callable[[], Workload] = simulated.default_credit,
    others: Callable[[Path], Sequence[Case]] = real_cases,
) -> Measurement:
    """Train jointly, and let rivals train on the same rows.

    Args:
        sizes: How much is measured.
        rivals: Who else trains.
        real: Finds the real rows, or raises SpecError.
        others: Finds other rows to measure accuracy on, or raises SpecError; files go to a folder.

    Returns:
        The comparison.
    """
    missing, tables = list[str](), dict[str, list[Row]]()
    with TemporaryDirectory() as place:
        folder = Path(place)
        workloads = {
            rows: made(rows, columns, folder, sizes.tests)
            for rows, columns in sizes.made_up.items()
        }
        trained = {rows: train(it, few(sizes, it)) for rows, it in workloads.items()}
        fewest = workloads[min(workloads)]
        numbers = time_elementwise(fewest.training_rows(PASSIVE), *sizes.elementwise)
        try:
            workload = real()
        except SpecError as error:
            missing.append(str(error))
            workload = fewest
        ours = both_levels(workload, sizes)
        beside = Beside(
            workload.name,
            {name: fitted(run) for name, run in ours.items()}
            | by_numbers(workload, sizes, ours[ENCRYPTED].rounds, numbers)
            | by_rivals(workload, rivals, missing),
        )
        tables |= {
            f"A training, {workload.name}": beside.fit_rows(),
            f"A round, {workload.name}": beside.round_rows(),
            "More rows": regression_tables.more_rows(trained),
            "Wall seconds of a round": regression_tables.stages(
                {workload.name: ours[ENCRYPTED]}
                | {workloads[rows].name: run for rows, run in trained.items()}
            ),
            "A slow line": far(workload, sizes, missing),
            "Accuracy": accuracy(workload, ours, others, folder, missing),
            "Worker processes": by_workers(fewest, sizes, missing),
            "Attacks": regression_attacks.table(workload),
        }
        notes = regression_notes.notes(sizes, numbers, workload, ours[ENCRYPTED])
    return Measurement(
        answer=_answer(beside, trained),
        tables={title: rows for title, rows in tables.items() if rows},
        notes=notes,
        falls_short=missing
        + regression_aims.missed([beside], tables["More rows"], tables["Accuracy"]),
    )


def both_levels(workload: Workload, sizes: Sizes) -> Mapping[str, Trained]:
    """Train to the end at both levels, and in the clear."""
    encrypted = _encrypted(workload, max_rounds=sizes.rounds)
    return {
        CLEAR: train(workload, encrypted, "clear"),
        ENCRYPTED: train(workload, encrypted),
        SHARED: train(workload, _shared(workload, sizes.shared_rounds)),
        SHARED_SOONER: train(workload, _shared(workload, sizes.fewer_shared_rounds)),
    }


def by_numbers(
    workload: Workload, sizes: Sizes, rounds: int, numbers: Elementwise
) -> dict[str, Fitted]:
    """Encrypt residuals one by one, with each engine that runs here, and reckon with `rounds`."""
    job = replace(few(sizes, workload), encryption=sizes.numbers)
    cipher = sizes.numbers.of_numbers
    engines: set[Engine] = {"gmpy2", keys.running(cipher.scheme, "auto", cipher.key_bits)}
    return {
        OU + engine: reckoned(train(workload, job, compute=Compute(engine=engine)), rounds)
        for engine in sorted(engines)
    } | {
        f"{ELEMENTWISE}{numbers.bits}": elementwise(
            numbers, len(workload.training_rows(PASSIVE)), workload.passive_columns, rounds
        )
    }


def by_rivals(
    workload: Workload, rivals: Mapping[str, Rival], missing: list[str]
) -> dict[str, Fitted]:
    """Let rivals train; tell which of them did not."""
    found = dict[str, Fitted]()
    for name, rival in rivals.items():
        try:
            with rival.environment() as python:
                found[name] = rival.train(python, workload)
        except SpecError as error:
            missing.append(f"{name} was not measured: {error}")
    return found


def far(workload: Workload, sizes: Sizes, missing: list[str]) -> list[Row]:
    """Train some rounds over a slow line; tell why that cannot be."""
    jobs = {ENCRYPTED: few(sizes, workload), SHARED: _shared(workload, sizes.few_rounds)}
    try:
        with far_networks.two(SLOW_BITS, SLOW_DELAY) as inside:
            before = dict(zip((ACTIVE, PASSIVE), map(far_networks.command, inside), strict=True))
            line = Line(far_networks.address(1), before)
            trained = {CLEAR: train(workload, jobs[ENCRYPTED], "clear", line=line)}
            trained |= {name: train(workload, job, line=line) for name, job in jobs.items()}
    except SpecError as error:
        missing.append(f"A slow line was not measured: {error}")
        return []
    return regression_tables.slow_line(trained, SLOW_BITS)


def accuracy(
    workload: Workload,
    ours: Mapping[str, Trained],
    others: Callable[[Path], Sequence[Case]],
    folder: Path,
    missing: list[str],
) -> list[Row]:
    """Compare with scikit-learn, on the rows that were trained on already, and on others."""
    known = {run.spec: run for name, run in ours.items() if name != CLEAR}
    cases = [Case(workload, list(known))]
    try:
        cases += others(folder)
    except SpecError as error:
        missing.append(str(error))
    return regression_accuracy.table(cases, lambda rows, job: known.get(job) or train(rows, job))


def by_workers(workload: Workload, sizes: Sizes, missing: list[str]) -> list[Row]:
    """Train some rounds with processes that compute for each party."""
    job = few(sizes, workload)
    trained = {
        f"{count} local": train(workload, job, compute=Compute(workers=count))
        for count in sizes.workers
    }
    most = max(sizes.workers)
    try:
        with regression_ray.cluster() as ray:
            compute = Compute(workers=most, cluster=ray)
            trained[f"{most} on Ray"] = train(workload, job, compute=compute)
    except SpecError as error:
        missing.append(f"Workers on Ray were not measured: {error}")
    return regression_tables.workers(trained)


def few(sizes: Sizes, workload: Workload) -> Regression:
    """Returns a job at the level `encrypted` that ends after a few rounds."""
    return _encrypted(workload, max_rounds=sizes.few_rounds)


def made(rows: int, columns: int, folder: Path, tests: int) -> Workload:
    """Returns made-up rows of as many columns at each party."""
    into = folder / f"{rows}"
    into.mkdir()
    return simulated.synthetic(rows, dict.fromkeys((ACTIVE, PASSIVE), columns), into, tests)


def _encrypted(workload: Workload, **said: Any) -> Regression:
    return Regression(passive_columns=workload.passive_columns, encryption=BFV, **said)


def _shared(workload: Workload, rounds: int, **said: Any) -> Regression:
    own = len(workload.rows(ACTIVE, TEST).names)
    table = Shared(active_columns=own, rounds=rounds)
    return _encrypted(workload, level="shared", shared=table, **said)


def _answer(beside: Beside, made_up: Mapping[int, Trained]) -> str:
    ours, shared, clear = (beside.fits[name] for name in (ENCRYPTED, SHARED, CLEAR))
    ratio = ours.fit.wall / clear.fit.wall
    others = [name for name in beside.fits if name.startswith((OU, SSLR))]
    said = [
        f"{beside.name}: `encrypted` takes {_taken(ours)}, {ratio:.2g} times the seconds of the "
        f"same in the clear; `shared` takes {_taken(shared)}, and in fewer rounds "
        f"{_taken(beside.fits[SHARED_SOONER])}",
        *(
            f"{name.removeprefix(f'{ENCRYPTED}, ')} takes {_taken(beside.fits[name])}"
            for name in others
        ),
        *(
            f"a round over {rows:,} made-up rows x {run.columns} takes {run.round.cpu:.2g} CPU s"
            for rows, run in made_up.items()
        ),
    ]
    return "; ".join(said) + "."


def _taken(fitted: Fitted) -> str:
    wall, cpu = (
        f"{seconds:,.0f}" if seconds >= 10 else f"{seconds:.2g}"  # noqa: PLR2004 - two digits
        for seconds in (fitted.fit.wall, fitted.fit.cpu)
    )
    return f"{wall} s and {cpu} CPU s"
