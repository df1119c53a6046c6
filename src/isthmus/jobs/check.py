"""Is a job ready to run, and what will happen? Nobody is contacted."""

from pathlib import Path

import msgspec

from isthmus.core import spec
from isthmus.jobs import consent, memory, registry
from isthmus.jobs.load import load_job
from isthmus.jobs.plan import Loaded, Plan, Ready
from isthmus.store.run_folders import check_writable


class Disclosure(msgspec.Struct, frozen=True):
    """A message that tells its reader something."""

    message: str
    reveals: str


class Checked(msgspec.Struct, frozen=True):
    """A job that can run."""

    job: str
    digest: str
    parties: dict[str, str]
    steps: list[str]
    settings: dict[str, str]
    """Those that are not the defaults, by key."""

    disclosed: list[Disclosure]
    ready: Ready | None
    """What this machine brings; None where no party was named."""


def check(job_file: Path, party_file: Path | None = None) -> Checked:
    """Validate a job, and one party's side of it.

    Args:
        job_file: The job.
        party_file: A party's own file: its keys and its data are checked too.

    Returns:
        What the job is, and what will happen.

    Raises:
        SpecError: A file, or the data it names, does not fit the job; or the folder of runs cannot
            be written, or has no room.
        PolicyError: The party's policy refuses a message that it would have to send.
    """
    loaded = load_job(job_file)
    family, job = loaded.family, loaded.job
    ready = None
    if party_file is not None or not job.parties:
        plan = family.plan(loaded, party_file)
        for folder in plan.written:
            check_writable(folder)
        ready = _with_memory(plan)
    told = consent.needed(loaded) if job.parties else []
    return Checked(
        job=job.name,
        digest=job.digest,
        parties={name: member.role for name, member in job.parties.items()},
        steps=family.steps(loaded),
        settings=_settings(loaded),
        disclosed=[Disclosure(kind.__name__, kind.reveals) for kind in told],
        ready=ready,
    )


def _with_memory(plan: Plan) -> Ready:
    warnings = memory.check(plan)  # before keys are made, which takes memory too
    found = plan.loaded.family.ready(plan)
    engine = {"encryption": f"computed by {plan.engine}"} if plan.engine else {}
    facts = found.facts | engine | {"memory": memory.in_words(plan)}
    return msgspec.structs.replace(found, facts=facts, warnings=[*found.warnings, *warnings])


def _settings(loaded: Loaded) -> dict[str, str]:
    """What the job says of its family and its system, where that is not the default."""
    ours = {
        *(name for each in registry.FAMILIES for name in each.tables),
        *(row.table for row in registry.ROWS),
    } - {"datasets"}
    said = spec.changed(loaded.job)
    return {key: value for key, value in said.items() if key.partition(".")[0] in ours}
