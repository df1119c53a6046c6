"""Is a job, and one party's side of it, ready to run?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec
from rich.console import RenderableType

from isthmus.cli.answer import Answer
from isthmus.cli.arguments import JobFile, OptionalPartyFile
from isthmus.cli.layout import facts, indented, page, table

if TYPE_CHECKING:  # commands load what they need when they run
    from isthmus.jobs.plan import SamplesPlan, TablePlan
    from isthmus.jobs.spec import Job


class Disclosure(msgspec.Struct, frozen=True):
    """A message that tells its reader something."""

    message: str
    reveals: str


class Ready(msgspec.Struct, frozen=True):
    """What a party brings."""

    party: str
    role: str
    rows: int
    columns: list[str]
    test_rows: int | None
    address: str
    certificate_expires: str
    notice: str


class Checked(msgspec.Struct, frozen=True):
    """A job that can run."""

    job: str
    digest: str
    parties: dict[str, str]
    steps: list[str]
    disclosed: list[Disclosure]
    ready: Ready | None


def check(job: JobFile, party: OptionalPartyFile = None) -> Answer:
    """Validate the files and print the plan; nobody is contacted."""
    from isthmus.core import spec
    from isthmus.jobs import connection, consent
    from isthmus.jobs.agreement import load_job
    from isthmus.jobs.plan import make_plan

    agreed = load_job(job)
    ready = None
    if party is not None:
        plan = make_plan(job, party)
        connection.check(plan)
        ready = _ready(plan)
    found = Checked(
        job=agreed.name,
        digest=spec.digest(agreed),
        parties={name: member.role for name, member in agreed.parties.items()},
        steps=list(_steps(agreed)),
        disclosed=[Disclosure(kind.__name__, kind.reveals) for kind in consent.needed(agreed)],
        ready=ready,
    )
    return Answer(found, page(*_parts(found)))


def _steps(job: "Job") -> Iterator[str]:
    """What happens, in order."""
    from isthmus.jobs.systems import aligns, first, system_of, trains

    hub = first(job)
    others = [f"{name} ({member.role})" for name, member in job.peers(hub).items()]
    yield (
        f"{hub} ({job.parties[hub].role}) listens, {', '.join(others)} "
        f"{'calls' if len(others) == 1 else 'call'}; they compare the digests of their jobs."
    )
    if not aligns(job):
        yield from _rounds(job)
        return
    normalise = f", after {', '.join(job.data.normalise)}" if job.data.normalise else ""
    yield (
        f"Find the shared rows of {job.data.train!r} by {', '.join(job.data.identifiers)}"
        f"{normalise}: {_settings(job.alignment)}."
    )
    if not trains(job):
        return
    system = system_of(job)
    yield f"Train a {system.table}: {_settings(system.spec(job))}."
    if job.data.test is None:
        yield f"Score {job.data.test_share:.0%} of the shared rows, kept out of training."
    else:
        yield f"Score the shared rows of {job.data.test!r}."


def _rounds(job: "Job") -> Iterator[str]:
    from isthmus.jobs.systems import first, horizontal_of
    from isthmus.nn.spec import type_of

    system = horizontal_of(job)
    spec = system.spec(job)
    hub, count = first(job), spec.rounds.count
    yield (
        f"Each child finds samples of the type {type_of(spec.network)} in its {job.data.train!r}, "
        "and says how many, or why it does not train."
    )
    yield (
        f"In {count} rounds at most, {hub} sends parameters, each child trains them on its own "
        f"samples, and {hub} fuses what they send: {_settings(spec)}."
    )
    yield f"{hub} publishes the result; each party measures it on test samples of its own."


def _settings(table: msgspec.Struct) -> str:
    """Every key of a table of the job, defaults included, its kind first."""
    config = table.__struct_config__
    keys = [f'{config.tag_field} = "{config.tag}"'] if config.tag_field else []
    for key, value in msgspec.structs.asdict(table).items():
        inner = isinstance(value, msgspec.Struct)
        text = f"({_settings(value)})" if inner else msgspec.json.encode(value).decode()
        if text not in {"()", "null"}:
            keys.append(f"{key} = {text}")
    return ", ".join(keys)


def _ready(plan: "TablePlan | SamplesPlan") -> Ready:
    from isthmus.crypto import certificates
    from isthmus.jobs import connection

    expires = ""
    if plan.party.identity is not None:
        ends = certificates.expires(connection.identity(plan).certificate)
        expires = f"{ends:%Y-%m-%d}"
    return Ready(
        party=plan.party.party,
        role=plan.role,
        rows=0 if plan.train is None else len(plan.train),
        columns=[] if plan.train is None else list(plan.train.names),
        test_rows=None if plan.test is None else len(plan.test),
        address=_place(plan),
        certificate_expires=expires,
        notice=plan.notice,
    )


def _place(plan: "TablePlan | SamplesPlan") -> str:
    party = plan.party
    if party.engine == "flower" and plan.listens:
        return f"starts the run on Flower's connection {party.flower.connection!r}"
    if party.engine == "flower":
        return f"is a SuperNode of the SuperLink at {party.flower.superlink}"
    if plan.listens:
        return f"listens on {party.listen}"
    return f"calls {plan.first} at {party.peers[plan.first].address}"


def _parts(found: Checked) -> Iterator[RenderableType]:
    yield facts(
        [
            ("job", found.job),
            ("digest", found.digest),
            *((party, role) for party, role in found.parties.items()),
        ]
    )
    yield ""
    yield indented(f"{number}. {step}" for number, step in enumerate(found.steps, 1))
    rows = ((told.message, told.reveals) for told in found.disclosed)
    yield table(("message that tells something", "what its reader learns"), rows)
    if found.ready is None:
        yield "The job is valid. Add --party to check a party's file, keys and data."
        return
    ready = found.ready
    yield facts(
        [
            ("rows", f"{ready.rows:,}"),
            *([("test rows", f"{ready.test_rows:,}")] if ready.test_rows is not None else []),
            *([("columns", _columns(ready.columns))] if ready.columns else []),
            ("address", ready.address),
            *(
                [("certificate", f"valid until {ready.certificate_expires}")]
                if ready.certificate_expires
                else []
            ),
            *([("notice", ready.notice)] if ready.notice else []),
        ]
    )
    yield f"{ready.party} is ready to run."


def _columns(names: list[str]) -> str:
    return f"{len(names):,}: {', '.join(names)}"
