"""The job of a shared encoder: its checks, both roles, and what the encoder is worth to a child."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace as replace_keys

from isthmus.core import extras
from isthmus.core.errors import SpecError
from isthmus.core.telemetry import Telemetry
from isthmus.data.samples import Samples, pooled
from isthmus.evaluation.description import Metrics
from isthmus.horizontal import forecast as rounds_forecast
from isthmus.horizontal.actor_critic.modes import weigher_of
from isthmus.horizontal.actor_critic.suspects import find_suspects
from isthmus.horizontal.encoders.cells import SIZE as CELLS
from isthmus.horizontal.encoders.retrieval import RETRIEVAL
from isthmus.horizontal.encoders.simulated_attack import poison_samples, poison_updates
from isthmus.horizontal.encoders.spec import Encoders, Static, layered, sample_type
from isthmus.horizontal.fusion import rules
from isthmus.horizontal.fusion.spec import ActorCritic
from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.rounds.local_training import LocalTrainer, MakeTrainer
from isthmus.horizontal.rounds.training import Round, Training
from isthmus.horizontal.system import EPSILON, Compared, LocalData, RoundsOutcome, means, merged
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.nn.spec import type_of

if TYPE_CHECKING:  # the extra `multilingual`
    from isthmus.text.tokenizer import Tokenizer


def check(spec: Encoders) -> None:
    """Refuse a job that cannot run, or not here.

    Args:
        spec: What the job says.

    Raises:
        SpecError: Its rounds are too small for its rule.
    """
    least = rules.least_children(spec.fusion)
    if spec.rounds.quorum < least:
        raise SpecError(
            f"the fusion rule {rules.name(spec.fusion)!r} needs {least} children, and "
            f"`rounds.quorum` is {spec.rounds.quorum}: raise it, or take another rule."
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
    from isthmus.horizontal.encoders.inputs import (  # noqa: PLC0415 - it loads PyTorch
        check_texts,
        to_inputs,
    )

    if role == "master" and train is None and rules.needs_own_samples(spec.fusion):
        raise SpecError(
            f"the fusion rule {rules.name(spec.fusion)!r} needs samples of the master's own: add "
            "the table of the job's data set to the party file, or agree on another rule."
        )
    if isinstance(spec.network, Static):
        extras.require("multilingual", 'the network "static"')
    for samples in (_fitting(spec, part) for part in (train, test)):
        if samples is None:
            continue  # a child may have none: then it declines
        check_texts(spec.objective, samples)
        if isinstance(spec.network, Static):
            continue  # its vocabulary is not there yet
        if spec.objective == "labels" and samples.labels is None:
            raise SpecError("the job learns from labels: name their column, `label`.")
        to_inputs(spec.network, samples, spec.classes)


def forecast(spec: Encoders, line: rounds_forecast.Line, sizes: Sizes) -> list[Flow]:
    """Returns what crosses between the master and a child."""
    model: Parameters = {}
    tables: tuple[str, ...] = ()
    if sizes.train:  # the sizes of messages are asked for
        from isthmus.horizontal.encoders import learner  # noqa: PLC0415 - it loads PyTorch

        model, tables = learner.initial(spec, 0, _most_pieces(spec)), learner.tables_of(spec)
    flows = rounds_forecast.forecast(type_of(spec.network), line, spec.privacy, model, tables)
    if not isinstance(spec.network, Static) or spec.network.vocabulary == "given":
        return flows
    before = rounds_forecast.vocabulary(line, spec.privacy, CELLS, large=bool(sizes.train))
    return [*flows[:3], *before, *flows[3:]]


def lead(spec: Encoders, local: LocalData) -> Training:
    """Set up training at the master."""
    from isthmus.horizontal.encoders.master import training  # noqa: PLC0415 - it loads PyTorch

    chooses = weigher_of(spec.fusion, len(local.children), local.seed)
    if isinstance(spec.network, Static) and spec.network.vocabulary == "joint":
        from isthmus.horizontal.encoders import joint_vocabulary  # noqa: PLC0415 - an extra

        return joint_vocabulary.training(spec, spec.network, local.children, local.seed)
    words = _vocabulary(spec, local)
    root = None if words else local.train
    return training(spec, local.children, local.seed, root, chooses, words)


def follow(spec: Encoders, local: LocalData) -> MakeTrainer:
    """Set up training at a child, honest or as a simulated attack.

    Args:
        spec: What the job says.
        local: The child and its samples.

    Returns:
        The function that makes its trainer.

    Raises:
        SpecError: The attack is on labels, and the job has none.
    """
    from isthmus.horizontal.encoders.child import trainer_factory  # noqa: PLC0415 - it loads PyTorch

    spec = _anchored(spec, local)
    attack, words = local.simulated_attack, _vocabulary(spec, local)
    if attack is None or local.train is None:
        prepared = _prepared(spec, local)
        return trainer_factory(spec, local.train, local.seed, local.party, words, prepared)
    if attack != "sign_flip" and not spec.classes:
        raise SpecError(
            f'`simulated_attack = "{attack}"` has a child change its labels, and this job learns '
            'from none. Take "sign_flip".'
        )
    samples = poison_samples(local.train, attack, spec.classes, local.seed, local.party)
    prepared = _prepared(spec, local)
    honest = trainer_factory(spec, samples, local.seed, local.party, words, prepared)
    return poison_updates(honest, attack)


def finish(
    spec: Encoders, local: LocalData, outcome: RoundsOutcome, folder: Path, telemetry: Telemetry
) -> Callable[[], Metrics]:
    """Store the network in a folder, to be measured later if there are labels.

    Args:
        spec: What the job says.
        local: The party and its samples.
        outcome: The result of the rounds.
        folder: Where the network goes.
        telemetry: Where progress goes.

    Returns:
        What measures it. At a party with labels it finds measures of the models `shared_head`,
        where the job trains one, `shared` (a head of its own on the shared encoder) and `alone` (on
        one trained alone).
    """
    from isthmus.horizontal.encoders import head, learner, model, model_file  # noqa: PLC0415

    if isinstance(spec.network, Static):
        from isthmus.horizontal.encoders import translations  # noqa: PLC0415 - an extra

        return translations.finish(_anchored(spec, local), spec.network, local, outcome, folder)
    train, test = (_fitting(spec, part) for part in (local.train, local.test))
    if spec.objective == "labels":
        found = head.with_shared_head(spec, outcome.parameters, train)
    elif train is not None and train.labels:
        found = head.tuned(spec, outcome.parameters, train, local.seed, local.party)
    else:
        found = model.Model(layered(spec.network), learner.encoder_of(outcome.parameters))
    model_file.save(folder, found)

    def measure() -> Metrics:
        metrics: Metrics = {}
        if spec.objective == "labels" and test and test.labels:
            metrics = {"accuracy": {"shared_head": model.accuracy(found, test)}}
        own_head = spec.head is not None or spec.objective != "labels"
        if own_head and outcome.count and train and train.labels and test and test.labels:
            telemetry.progress("measure", note="an encoder of our own, to compare with")
            holding = head.Holding(local.party, train, test)
            compared = head.compared(spec, outcome.parameters, holding, local.seed, outcome.count)
            metrics = merged(metrics, compared)
        return metrics

    return measure


def epsilon(spec: Encoders, local: LocalData, outcome: RoundsOutcome) -> float | None:
    """Returns the privacy that this party's noise has cost in all rounds; None without noise."""
    if local.party in local.children:
        return outcome.metrics.get(EPSILON)
    asked = spec.privacy.child_level
    if asked is None:
        return None
    from isthmus.horizontal.privacy import accounting  # noqa: PLC0415 - it takes seconds to load

    spent = accounting.spent_by_master(asked, outcome.count)
    return accounting.epsilon(spent, asked.delta)


def compare(
    spec: Encoders, parties: Mapping[str, LocalData], measured: Mapping[str, Metrics]
) -> Compared:
    """Collect the measures of all parties, and those of an encoder trained on all samples pooled.

    Args:
        spec: What the job says.
        parties: Data of every party, by name.
        measured: The metrics that each of them found.

    Returns:
        Metrics of every party, with those of the model `pooled`; and their means over the parties.
    """
    from isthmus.horizontal.encoders import head  # noqa: PLC0415 - it loads PyTorch

    if isinstance(spec.network, Static):
        from isthmus.horizontal.encoders import translations  # noqa: PLC0415 - an extra

        some = next(iter(parties.values()))
        others, vocabulary = translations.compared(_anchored(spec, some), spec.network, parties)
        return replace(_beside(measured, others), vocabulary=vocabulary)
    children = [it for it in parties.values() if it.party in it.children]
    fitting = (_fitting(spec, child.train) for child in children)
    parts = [part for part in fitting if part is not None]
    seed = children[0].seed
    together = head.alone(spec, pooled(parts), seed, "pooled", spec.rounds.count)
    by_party = {party: metrics for party, metrics in measured.items() if metrics}
    for child in children:
        if "shared" in measured[child.party].get("accuracy", {}) and child.train and child.test:
            holding = head.Holding(child.party, child.train, child.test)
            values = head.measured(spec, together, holding, seed)
            of_pooled = {measure: {"pooled": value} for measure, value in values.items()}
            by_party[child.party] = merged(by_party[child.party], of_pooled)
    return Compared(means(by_party.values()), by_party)


def suspects(spec: Encoders, history: Sequence[Round]) -> dict[str, list[str]]:
    """Returns the children that the master should look at, with the reasons."""
    if not isinstance(spec.fusion, ActorCritic):
        return {}  # no other rule reports measures of a child
    return {it.child: list(it.reasons) for it in find_suspects(history)}


def _most_pieces(spec: Encoders) -> int:
    # The forecast knows no files: of a vocabulary that is given it takes the usual size.
    if isinstance(spec.network, Static) and spec.network.vocabulary == "joint":
        return spec.network.joint.pieces
    return _USUAL_PIECES


def _beside(measured: Mapping[str, Metrics], others: Metrics) -> Compared:
    # Only the master has texts in languages of several children.
    by_party = {
        party: merged(metrics, others if RETRIEVAL in metrics else {})
        for party, metrics in measured.items()
        if metrics
    }
    return Compared(means(by_party.values()), by_party)


def _anchored(spec: Encoders, local: LocalData) -> Encoders:
    """Returns the job with the absolute path of its list of words, if it has one."""
    if spec.switching is None:
        return spec
    return replace_keys(spec, switching=spec.switching.anchored(local.folder))


def _prepared(spec: Encoders, local: LocalData) -> "Callable[[Samples], LocalTrainer] | None":
    network = spec.network
    if not isinstance(network, Static) or network.vocabulary == "given":
        return None
    from isthmus.horizontal.encoders import joint_vocabulary  # noqa: PLC0415 - an extra

    def prepared(samples: Samples) -> LocalTrainer:
        return joint_vocabulary.trainer(spec, network, samples, local.seed, local.party)

    return prepared


def _vocabulary(spec: Encoders, local: LocalData) -> "Tokenizer | None":
    if not isinstance(spec.network, Static) or spec.network.vocabulary == "joint":
        return None
    from isthmus.horizontal.encoders.translations import vocabulary_of  # noqa: PLC0415 - an extra

    return vocabulary_of(spec.network, local.folder)


def _fitting(spec: Encoders, samples: Samples | None) -> Samples | None:
    """Returns the samples if the network takes their type; a child with other samples declined."""
    return samples if samples is not None and samples.type == sample_type(spec.network) else None


_USUAL_PIECES = 16_384
