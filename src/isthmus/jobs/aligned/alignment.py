"""Finds the rows that all parties hold, in the way the job names, or takes what they found before.

| step                                  | function      |
|---------------------------------------|---------------|
| agree: reuse a finished one, or not   | `_agree`      |
| count it against this party's budget  | `_begin`      |
| find the shared rows of each data set | `_find`       |
| keep the result for later runs        | `_keep`       |
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec

from isthmus.alignment.attested import party as attested
from isthmus.alignment.attested.party import Trust
from isthmus.alignment.attested.spec import AttestedAlignment
from isthmus.alignment.attested.terms import Terms
from isthmus.alignment.cryptographic import rows as cryptographic
from isthmus.alignment.cryptographic.receiver import receiver
from isthmus.alignment.cryptographic.sender import sender
from isthmus.alignment.cryptographic.spec import CryptographicAlignment
from isthmus.core.errors import PeerError, SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.crypto import certificates
from isthmus.data.index import Index
from isthmus.jobs.aligned.job import alignment_of
from isthmus.jobs.aligned.messages import ChosenAlignment, HeldAlignment
from isthmus.jobs.aligned.plan import AlignedPlan
from isthmus.jobs.plan import Loaded
from isthmus.store import atomic
from isthmus.store.alignments import Alignments, StoredAlignment
from isthmus.store.encoding import to_json
from isthmus.store.runs import Run
from isthmus.tee import process
from isthmus.tee.evidence import Evidence
from isthmus.transport.channel import Channel

Lines = Mapping[str, Channel]
"""Our line to each party that we talk to, by name."""

_PROGRAM = "isthmus.alignment.attested"
"""What runs inside an enclave."""


@dataclass(frozen=True)
class Aligned:
    """What an alignment told this party."""

    id: str
    new: bool
    """Whether it was found in this run, rather than in an earlier one."""

    size: int | None
    """Shared rows to train on; None where the job does not tell this party."""

    indices: dict[str, Index]
    """Our shared rows by data set, in the order common to all; empty where we are not told."""


@dataclass(frozen=True)
class _Basis:
    """What a kept alignment has to be of, to be taken up again."""

    agreement: str
    rows: str


@dataclass(frozen=True)
class _Found:
    """What an alignment of one data set told this party."""

    index: Index | None
    size: int | None


def align(plan: AlignedPlan, lines: Lines, run: Run, telemetry: Telemetry) -> Aligned:
    """Find the shared rows of every data set of a job.

    Args:
        plan: The job and this party.
        lines: The line to each party that we talk to.
        run: Where evidence goes.
        telemetry: Where progress goes.

    Returns:
        The shared rows.

    Raises:
        PeerError: The first party wants to take up an alignment that we do not hold, or to write
            over one that we do.
        PolicyError: This party's policy allows no further alignment.
        IsthmusError: Whatever the alignment raises.
    """
    store, basis, ours = _store(plan), _basis(plan), held(plan)
    chosen = _agree(plan, lines, ours)
    if not chosen.new:
        if ours is None or ours.id != chosen.id:
            raise PeerError(
                f"{plan.first!r} wants to take up an alignment that we do not hold. Do not go on: "
                "compare `isthmus version` on both sides."
            )
        return Aligned(ours.id, new=False, size=ours.size, indices=_load(plan, store, ours.id))
    if store.of(chosen.id).exists():
        raise PeerError(
            f"{plan.first!r} gives a new alignment the name of one that we hold. Do not go on: "
            "compare `isthmus version` on both sides."
        )
    _begin(plan, store)
    found = {name: _find(plan, lines, name, run, telemetry) for name in plan.tables}
    aligned = Aligned(
        chosen.id,
        new=True,
        size=found[plan.loaded.dataset].size,
        indices={name: each.index for name, each in found.items() if each.index is not None},
    )
    _keep(plan, store, basis, aligned)
    return aligned


def held(plan: AlignedPlan) -> StoredAlignment | None:
    """Returns the finished alignment of the same terms over the same rows that we hold, if any."""
    basis = _basis(plan)
    found = _store(plan).find(basis.agreement, basis.rows)
    if found is not None and not (found.protects or plan.simulated):
        return None  # found by simulated enclaves, which our policy no longer accepts
    return found


def stored(plan: AlignedPlan, identifier: str) -> Aligned:
    """Read an alignment that an earlier run has kept.

    Args:
        plan: The job and our rows.
        identifier: Its name.

    Returns:
        The alignment.

    Raises:
        SpecError: It is not there any more, or of other rows.
    """
    return Aligned(identifier, new=False, size=None, indices=_load(plan, _store(plan), identifier))


def terms(
    plan: AlignedPlan, spec: CryptographicAlignment, dataset: str = ""
) -> cryptographic.Terms:
    """Returns the terms under which we compare the rows of a data set with other parties."""
    members = plan.job.peers(plan.party.party)
    return cryptographic.Terms(
        spec=spec,
        context=f"{plan.digest}/{dataset}".encode(),
        limits={peer: member.rows for peer, member in members.items()},
        accepted=plan.party.policy.alignment_protocols,
    )


def started(plan: AlignedPlan) -> dict[str, int]:
    """Returns how many alignments of the training data were started so far, by peer."""
    origin = plan.party.datasets[plan.loaded.dataset].origin(plan.folder)
    store = _store(plan)
    return {peer: store.count(peer, origin) for peer in plan.job.peers(plan.party.party)}


def _store(plan: AlignedPlan) -> Alignments:
    return Alignments(plan.alignments)


def _basis(plan: AlignedPlan) -> _Basis:
    return _Basis(_agreement(plan.loaded), plan.rows_digest)


def _agree(plan: AlignedPlan, lines: Lines, held: StoredAlignment | None) -> ChosenAlignment:
    """Reuse only what all hold: a party whose rows have changed since holds none."""
    ours = None if held is None else held.id
    if not plan.listens:
        first = lines[plan.first]
        first.send(HeldAlignment(id=ours))
        return first.receive(ChosenAlignment)
    all_hold = {line.receive(HeldAlignment).id for line in lines.values()} == {ours}
    if all_hold and ours is not None:
        chosen = ChosenAlignment(id=ours, new=False)
    else:
        chosen = ChosenAlignment(id=secrets.token_hex(16), new=True)
    for line in lines.values():
        line.send(chosen)
    return chosen


def _begin(plan: AlignedPlan, store: Alignments) -> None:
    for name in plan.tables:
        origin = plan.party.datasets[name].origin(plan.folder)
        for peer in plan.job.peers(plan.party.party):
            store.begin(peer, origin, plan.party.policy.alignments)


def _find(plan: AlignedPlan, lines: Lines, dataset: str, run: Run, telemetry: Telemetry) -> _Found:
    match alignment_of(plan.job):
        case CryptographicAlignment() as spec:
            index = _cryptographic(plan, lines, dataset, spec, telemetry)
            return _Found(index, len(index))
        case AttestedAlignment() as spec:
            found = _attested(plan, lines, dataset, spec, run, telemetry)
            return _Found(found.index, found.size)


def _cryptographic(
    plan: AlignedPlan,
    lines: Lines,
    dataset: str,
    spec: CryptographicAlignment,
    telemetry: Telemetry,
) -> Index:
    identifiers, said = plan.tables[dataset].identifiers, terms(plan, spec, dataset)
    if plan.listens:
        return receiver(list(lines.values()), identifiers, said, telemetry)
    return sender(lines[plan.first], identifiers, said, telemetry)


def _attested(
    plan: AlignedPlan,
    lines: Lines,
    dataset: str,
    spec: AttestedAlignment,
    run: Run,
    telemetry: Telemetry,
) -> attested.Found:
    from isthmus.jobs import connection  # noqa: PLC0415 - it loads gRPC

    job, us = plan.job, plan.party
    others = sorted(job.peers(plan.first))  # one order at all, whatever that of their files
    terms = Terms(
        job=plan.digest,
        dataset=dataset,
        parties=(plan.first, *others),
        certificates=connection.certificates_of_all(plan),
        minimum_size=spec.minimum_size,
        rows_step=spec.rows_step,
        results=spec.results,
        memory_mib=spec.memory_mib,
    )

    def keep(party: str, evidence: Evidence) -> None:
        atomic.write(run.evidence(party, dataset), to_json(evidence))

    ours, now = us.enclave.kind, datetime.now(UTC)
    sign = partial(certificates.sign, connection.identity(plan).private_key)
    trust = Trust(ours, plan.endorsements(), us.policy.enclaves, now, sign, keep)
    if plan.simulated:
        telemetry.progress("attest", note=plan.notice)
    with process.enclave(us.enclave, _PROGRAM, us.patience) as inside:
        return attested.party(
            us.party,
            lines,
            plan.tables[dataset].identifiers,
            terms,
            inside,
            trust,
            telemetry,
            {name: member.rows for name, member in job.peers(us.party).items()},
        )


def _keep(plan: AlignedPlan, store: Alignments, basis: _Basis, aligned: Aligned) -> None:
    def save(folder: Path) -> None:
        for dataset, index in aligned.indices.items():
            index.save(_file(folder, dataset))

    kept = StoredAlignment(
        id=aligned.id,
        agreement=basis.agreement,
        rows=basis.rows,
        size=aligned.size,
        protects=not plan.simulated,
    )
    store.keep(kept, save)


def _load(plan: AlignedPlan, store: Alignments, identifier: str) -> dict[str, Index]:
    alignment = alignment_of(plan.job)
    if isinstance(alignment, AttestedAlignment) and not alignment.gives_rows(plan.party.party):
        return {}
    files = {dataset: _file(store.of(identifier), dataset) for dataset in plan.tables}
    found = {dataset: Index.load(file) for dataset, file in files.items()}
    for dataset, index in found.items():
        if ((index.rows < 0) | (index.rows >= len(plan.tables[dataset]))).any():
            raise SpecError(
                f"{files[dataset]}: names rows that data set {dataset!r} does not have. Remove "
                "its folder; the next run aligns anew."
            )
    return found


def _file(folder: Path, dataset: str) -> Path:
    return folder / f"{dataset}.parquet"


def _agreement(loaded: Loaded) -> str:
    """Digest of all that a job says about its alignment: other training may reuse the result."""
    job, data = loaded.job, loaded.data
    said = (job.parties, loaded.dataset, data.test, data.identifiers, data.normalise)
    return hashlib.sha256(
        msgspec.json.encode((*said, alignment_of(job)), order="sorted")
    ).hexdigest()
