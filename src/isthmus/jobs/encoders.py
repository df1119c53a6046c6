"""Plays either role of a shared encoder, and measures what it is worth to each child."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.data.samples import Samples, pooled
from isthmus.horizontal import forecast as rounds
from isthmus.horizontal.course import Round, Training
from isthmus.horizontal.encoders import fusion, rehearsal
from isthmus.horizontal.encoders.fusion.spec import ActorCritic
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.lesson import Prepare
from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.weighting import evidence
from isthmus.horizontal.weighting.actor_critic import weigher_of
from isthmus.jobs.site import EPSILON, Ended, Measures, Site
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.nn.spec import type_of


def check(spec: Encoders) -> None:
    """Refuse a job that cannot run, or not here.

    Args:
        spec: What the job says.

    Raises:
        SpecError: Its rounds are too small for its rule, or PyTorch is not installed.
    """
    least = fusion.least_children(spec.fusion)
    if spec.rounds.quorum < least:
        raise SpecError(
            f"the fusion rule {fusion.name(spec.fusion)!r} needs {least} children, and "
            f"`rounds.quorum` is {spec.rounds.quorum}: raise it, or take another rule."
        )
    if find_spec("torch") is None:
        raise SpecError(
            "this job trains a network, which takes PyTorch: run `pip install "
            "'isthmus[horizontal]'`."
        )


def check_party(spec: Encoders, role: str, train: Samples | None, test: Samples | None) -> None:
    """Refuse samples of one party that do not fit the job, before any contact.

    Args:
        spec: What the job says.
        role: This party's role.
        train: Its samples to train on, if it has any.
        test: Those to measure on, if it has any.

    Raises:
        SpecError: The master needs samples of its own and has none, labels are missing, or samples
            do not fit the network.
    """
    from isthmus.horizontal.encoders.examples import examples  # noqa: PLC0415 - it loads PyTorch

    if role == "master" and train is None and fusion.needs_own_samples(spec.fusion):
        raise SpecError(
            f"the fusion rule {fusion.name(spec.fusion)!r} needs samples of the master's own: add "
            "the table of the job's data set to the party file, or agree on another rule."
        )
    for samples in (_fitting(spec, part) for part in (train, test)):
        if samples is None:
            continue  # a child may have none: then it declines
        if spec.objective == "labels" and samples.labels is None:
            raise SpecError("the job learns from labels: name their column, `label`.")
        examples(spec.network, samples, spec.classes)


def forecast(spec: Encoders, sizes: Sizes) -> list[Flow]:
    """What crosses between the master and each child."""
    model: Parameters = {}
    if sizes.train:  # somebody wants to know how much
        from isthmus.horizontal.encoders.learner import initial  # noqa: PLC0415 - it loads PyTorch

        model = initial(spec, seed=0)
    children = len(sizes.rows) - 1
    return rounds.forecast(type_of(spec.network), children, sizes.rounds, spec.privacy, model)


def lead(spec: Encoders, site: Site) -> Training:
    """What the master lets its children train."""
    from isthmus.horizontal.encoders.master import training  # noqa: PLC0415 - it loads PyTorch

    chooses = weigher_of(spec.fusion, len(site.children), site.seed)
    return training(spec, site.children, site.seed, site.train, chooses)


def follow(spec: Encoders, site: Site) -> Prepare:
    """How a child trains; in a rehearsal, how it misbehaves.

    Args:
        spec: What the job says.
        site: The child and its samples.

    Returns:
        What the rounds ask for a lesson.

    Raises:
        SpecError: It is to misbehave with labels, and the job has none.
    """
    from isthmus.horizontal.encoders.child import prepare  # noqa: PLC0415 - it loads PyTorch

    if site.rehearsal is None or site.train is None:
        return prepare(spec, site.train, site.seed, site.party)
    if site.rehearsal != "sign_flip" and not spec.classes:
        raise SpecError(
            f'`rehearsal = "{site.rehearsal}"` has a child change its labels, and this job learns '
            'from none. Take "sign_flip".'
        )
    spoiled = rehearsal.spoil(site.train, site.rehearsal, spec.classes, site.seed, site.party)
    honest = prepare(spec, spoiled, site.seed, site.party)
    return rehearsal.rehearse(honest, site.rehearsal)


def finish(
    spec: Encoders, site: Site, ended: Ended, folder: Path, telemetry: Telemetry
) -> dict[str, float]:
    """Keep the network in a folder, and measure it where there are labels.

    Args:
        spec: What the job says.
        site: The party and its samples.
        ended: What came of the rounds.
        folder: Where the network goes.
        telemetry: Where progress goes.

    Returns:
        At a party with labels: the accuracy of the shared head, where the job trains one; those of
        heads of its own on the shared encoder and on one that it trains alone. At a party that adds
        noise: the epsilon of all rounds.
    """
    from isthmus.horizontal.encoders import head, keeping, learner, model  # noqa: PLC0415

    train, test = (_fitting(spec, part) for part in (site.train, site.test))
    metrics = dict[str, float]()
    if spec.objective == "labels":
        found = head.with_shared_head(spec, ended.parameters, train)
        metrics = {"accuracy": model.accuracy(found, test)} if test and test.labels else {}
    elif train is not None and train.labels:
        found = head.tuned(spec, ended.parameters, train, site.seed, site.party)
    else:
        found = model.Model(spec.network, learner.encoder_of(ended.parameters))
    keeping.keep(folder, found)
    own_head = spec.head is not None or spec.objective != "labels"
    if own_head and ended.count and train and train.labels and test and test.labels:
        telemetry.progress("measure", note="an encoder of our own, to compare with")
        holding = head.Holding(site.party, train, test)
        metrics |= head.compared(spec, ended.parameters, holding, site.seed, ended.count)
    return metrics | _spent(spec, site, ended)


def _spent(spec: Encoders, site: Site, ended: Ended) -> dict[str, float]:
    """What the noise has cost that this party adds to the network, or to its updates."""
    if site.party in site.children:
        return {name: value for name, value in ended.metrics.items() if name == EPSILON}
    asked = spec.privacy.child_level
    if asked is None:
        return {}
    from isthmus.horizontal.privacy import accounting  # noqa: PLC0415 - it takes seconds to load

    spent = accounting.spent_by_master(asked, ended.count)
    return {EPSILON: accounting.epsilon(spent, asked.delta)}


def compare(
    spec: Encoders, sites: Mapping[str, Site], measured: Mapping[str, dict[str, float]]
) -> Measures:
    """The measures of every party, and the same for an encoder trained on all samples pooled.

    Args:
        spec: What the job says.
        sites: Every party.
        measured: What each of them has found.

    Returns:
        By measure, then by party; `accuracy_pooled` and `probe_pooled` beside them.
    """
    from isthmus.horizontal.encoders import head  # noqa: PLC0415 - it loads PyTorch

    found: Measures = {}
    for party, measures in measured.items():
        for name, value in measures.items():
            if name != EPSILON:  # it says nothing of how good an encoder is
                found.setdefault(name, {})[party] = value
    children = [site for site in sites.values() if site.party in site.children]
    fitting = (_fitting(spec, site.train) for site in children)
    parts = [part for part in fitting if part is not None]
    seed = children[0].seed
    together = head.alone(spec, pooled(parts), seed, "pooled", spec.rounds.count)
    for site in children:
        if site.party in found.get("accuracy_shared", {}) and site.train and site.test:
            holding = head.Holding(site.party, site.train, site.test)
            for name, value in head.measured(spec, together, holding, seed).items():
                found.setdefault(f"{name}_pooled", {})[site.party] = value
    return found


def suspects(spec: Encoders, history: Sequence[Round]) -> dict[str, list[str]]:
    """Why the master should look after a child, by child."""
    if not isinstance(spec.fusion, ActorCritic):
        return {}  # no other rule says what it saw of a child
    return {it.child: list(it.reasons) for it in evidence.suspects(history)}


def _fitting(spec: Encoders, samples: Samples | None) -> Samples | None:
    """Samples of the type that the network takes: a child that has others declined to train."""
    return samples if samples is not None and samples.type == type_of(spec.network) else None
