"""The job of a classifier whose master weighs its children.

It is a job of `encoders` with the objective "labels" (`spec.as_encoders`) and two differences: the
master may stop before the last round (`lead`), and the weights are compared with those of other
rules (`compare`).
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import structs

from isthmus.core.telemetry import Telemetry
from isthmus.data.samples import Samples
from isthmus.evaluation.description import Metrics
from isthmus.horizontal.encoders import system as encoders
from isthmus.horizontal.encoders.spec import Encoders
from isthmus.horizontal.forecast import Line
from isthmus.horizontal.fusion import rules
from isthmus.horizontal.fusion.spec import Count
from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.rounds import in_process
from isthmus.horizontal.rounds.local_training import LocalTrainer, MakeTrainer
from isthmus.horizontal.rounds.training import Round, Training
from isthmus.horizontal.system import Compared, LocalData, RoundsOutcome
from isthmus.horizontal.weighting.spec import Weighting, as_encoders
from isthmus.ledger.forecast import Flow, Sizes
from isthmus.nn.spec import type_of


def check(spec: Weighting) -> None:
    """Refuse a job that cannot run, or not here."""
    encoders.check(as_encoders(spec))


def check_party(spec: Weighting, role: str, train: Samples | None, test: Samples | None) -> None:
    """Refuse samples of one party that do not fit the job, before any contact."""
    encoders.check_party(as_encoders(spec), role, train, test)


def forecast(spec: Weighting, line: Line, sizes: Sizes) -> list[Flow]:
    """Returns what crosses between the master and a child."""
    return encoders.forecast(as_encoders(spec), line, sizes)


def lead(spec: Weighting, local: LocalData) -> Training:
    """Set up training at the master."""
    from isthmus.horizontal.weighting.master import training  # noqa: PLC0415 - it loads PyTorch

    return training(spec, local.children, local.seed, local.train)


def follow(spec: Weighting, local: LocalData) -> MakeTrainer:
    """Set up training at a child, honest or as a simulated attack."""
    return encoders.follow(as_encoders(spec), local)


def finish(
    spec: Weighting, local: LocalData, outcome: RoundsOutcome, folder: Path, telemetry: Telemetry
) -> Callable[[], Metrics]:
    """Store the network in a folder, and return what measures it if there are labels."""
    return encoders.finish(as_encoders(spec), local, outcome, folder, telemetry)


def epsilon(spec: Weighting, local: LocalData, outcome: RoundsOutcome) -> float | None:
    """Returns the privacy that this party's noise has cost in all rounds; None without noise."""
    return encoders.epsilon(as_encoders(spec), local, outcome)


def compare(
    spec: Weighting, parties: Mapping[str, LocalData], measured: Mapping[str, Metrics]
) -> Compared:
    """Compare the accuracy at the master with that of other rules on the same samples.

    Args:
        spec: What the job says.
        parties: Data of every party, by name.
        measured: The metrics that each of them found.

    Returns:
        `accuracy` at the master by the job's own rule, `fedavg`, `oracle` (`fedavg` without the
        children of a simulated attack), and `root_only` (the master's own samples alone); and the
        metrics of every party.
    """
    from isthmus.horizontal.encoders import head  # noqa: PLC0415 - it loads PyTorch

    (master,) = (it for it in parties.values() if it.party not in it.children)
    children = [it for it in parties.values() if it is not master]
    by_party = {party: metrics for party, metrics in measured.items() if metrics}
    if master.test is None or "accuracy" not in measured[master.party]:
        return Compared({}, by_party)
    plain = structs.replace(as_encoders(spec), fusion=Count())
    honest = [child for child in children if child.simulated_attack is None]
    reached = {
        rules.name(spec.fusion): measured[master.party]["accuracy"]["shared_head"],
        "fedavg": _accuracy(plain, master, _federated(plain, master, children)),
        "oracle": _accuracy(plain, master, _federated(plain, master, honest)),
    }
    if master.train is not None:
        alone = head.alone(plain, master.train, master.seed, master.party, plain.rounds.count)
        reached["root_only"] = _accuracy(plain, master, alone)
    return Compared({"accuracy": reached}, by_party)


def suspects(spec: Weighting, history: Sequence[Round]) -> dict[str, list[str]]:
    """Returns the children that the master should look at, with the reasons."""
    return encoders.suspects(as_encoders(spec), history)


def _federated(spec: Encoders, master: LocalData, children: Sequence[LocalData]) -> Parameters:
    """Returns the parameters after all rounds of these children."""
    encoder = type_of(spec.network)
    trainers = {child.party: encoders.follow(spec, child)(encoder) for child in children}
    willing = {party: it for party, it in trainers.items() if isinstance(it, LocalTrainer)}
    training = encoders.lead(spec, master)
    return in_process.federate(training, willing, spec.rounds.count, Telemetry()).parameters


def _accuracy(spec: Encoders, master: LocalData, parameters: Parameters) -> float:
    from isthmus.horizontal.encoders import head, model  # noqa: PLC0415 - it loads PyTorch

    found = head.with_shared_head(spec, parameters, master.train)
    return model.accuracy(found, master.test) if master.test else 0.0
