"""Plays either role of a job whose master weighs its children, and measures what that is worth."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import structs

from isthmus.core.telemetry import Telemetry
from isthmus.data.samples import Samples
from isthmus.horizontal import inprocess
from isthmus.horizontal.course import Round, Training
from isthmus.horizontal.encoders import fusion
from isthmus.horizontal.encoders.fusion.spec import Count
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.lesson import Lesson, Prepare
from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.weighting.spec import Weighting, as_encoders
from isthmus.jobs import encoders
from isthmus.jobs.site import Ended, Measures, Site
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.nn.spec import type_of


def check(spec: Weighting) -> None:
    """Refuse a job that cannot run, or not here."""
    encoders.check(as_encoders(spec))


def check_party(spec: Weighting, role: str, train: Samples | None, test: Samples | None) -> None:
    """Refuse samples of one party that do not fit the job, before any contact."""
    encoders.check_party(as_encoders(spec), role, train, test)


def forecast(spec: Weighting, sizes: Sizes) -> list[Flow]:
    """What crosses between the master and each child."""
    return encoders.forecast(as_encoders(spec), sizes)


def lead(spec: Weighting, site: Site) -> Training:
    """What the master lets its children train."""
    from isthmus.horizontal.weighting.master import training  # noqa: PLC0415 - it loads PyTorch

    return training(spec, site.children, site.seed, site.train)


def follow(spec: Weighting, site: Site) -> Prepare:
    """How a child trains; in a rehearsal, how it misbehaves."""
    return encoders.follow(as_encoders(spec), site)


def finish(
    spec: Weighting, site: Site, ended: Ended, folder: Path, telemetry: Telemetry
) -> dict[str, float]:
    """Keep the network in a folder, and measure it where there are labels."""
    return encoders.finish(as_encoders(spec), site, ended, folder, telemetry)


def compare(
    spec: Weighting, sites: Mapping[str, Site], measured: Mapping[str, dict[str, float]]
) -> Measures:
    """The accuracy at the master by this rule, and by others on the same samples.

    Args:
        spec: What the job says.
        sites: Every party.
        measured: What each of them has found.

    Returns:
        `accuracy` by the job's own rule, `fedavg`, `oracle` (`fedavg` without the children that
        rehearse misbehaviour), and `root_only` (the master's own samples alone); and
        `accuracy_at` of each other party with labels to measure on.
    """
    from isthmus.horizontal.encoders import head  # noqa: PLC0415 - it loads PyTorch

    (master,) = (site for site in sites.values() if site.party not in site.children)
    children = [site for site in sites.values() if site is not master]
    found: Measures = {}
    at_children = {it.party: measured[it.party].get("accuracy") for it in children}
    if known := {party: it for party, it in at_children.items() if it is not None}:
        found["accuracy_at"] = known
    if master.test is None or "accuracy" not in measured[master.party]:
        return found
    plain = structs.replace(as_encoders(spec), fusion=Count())
    honest = [site for site in children if site.rehearsal is None]
    reached = {
        fusion.name(spec.fusion): measured[master.party]["accuracy"],
        "fedavg": _accuracy(plain, master, _federated(plain, master, children)),
        "oracle": _accuracy(plain, master, _federated(plain, master, honest)),
    }
    if master.train is not None:
        alone = head.alone(plain, master.train, master.seed, master.party, plain.rounds.count)
        reached["root_only"] = _accuracy(plain, master, alone)
    return {"accuracy": reached} | found


def suspects(spec: Weighting, history: Sequence[Round]) -> dict[str, list[str]]:
    """Why the master should look after a child, by child."""
    return encoders.suspects(as_encoders(spec), history)


def _federated(spec: Encoders, master: Site, children: Sequence[Site]) -> Parameters:
    """What these children arrive at."""
    lessons = {site.party: encoders.follow(spec, site)(type_of(spec.network)) for site in children}
    willing = {party: it for party, it in lessons.items() if isinstance(it, Lesson)}
    training = encoders.lead(spec, master)
    return inprocess.federate(training, willing, spec.rounds.count, Telemetry()).parameters


def _accuracy(spec: Encoders, master: Site, parameters: Parameters) -> float:
    from isthmus.horizontal.encoders import head, model  # noqa: PLC0415 - it loads PyTorch

    found = head.with_shared_head(spec, parameters, master.train)
    return model.accuracy(found, master.test) if master.test else 0.0
