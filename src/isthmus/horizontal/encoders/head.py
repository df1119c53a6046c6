"""Heads: what a child trains on an encoder for its own labels. Nothing of it is sent."""
# scikit-learn has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from msgspec import structs
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from isthmus.core import seeds
from isthmus.core.errors import SpecError
from isthmus.data.samples import Samples
from isthmus.evaluation.description import Metrics
from isthmus.horizontal.encoders.child import trainer
from isthmus.horizontal.encoders.inputs import Inputs, scaling_of, to_inputs
from isthmus.horizontal.encoders.learner import Learner, encoder_of, initial, task_of
from isthmus.horizontal.encoders.local import batches
from isthmus.horizontal.encoders.model import Model, accuracy, embeddings, encoder
from isthmus.horizontal.encoders.scaling import Scaling
from isthmus.horizontal.encoders.spec import Encoders, Head, layered
from isthmus.horizontal.fusion.spec import Count
from isthmus.horizontal.parameters import Parameters
from isthmus.horizontal.privacy.spec import Privacy
from isthmus.horizontal.spec import LocalTraining
from isthmus.nn import build, parameters

if TYPE_CHECKING:  # the extra `multilingual`
    from isthmus.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Holding:
    """The labelled samples of one party."""

    party: str
    train: Samples
    test: Samples


def compared(
    spec: Encoders, published: Parameters, holding: Holding, seed: int, rounds: int
) -> Metrics:
    """Compare a shared encoder with one that the child trains alone.

    Args:
        spec: What the job says.
        published: The final parameters of the job.
        holding: The child's samples; those to test on were in no round.
        seed: The job's.
        rounds: In which the child trained: alone it makes as many steps.

    Returns:
        Measures on the test samples, each of the models `shared` and `alone`: `accuracy` with the
        head of the job, `probe` with a logistic regression on the embeddings.

    Raises:
        SpecError: The samples have no labels, or do not fit the job.
    """
    by_itself = alone(spec, holding.train, seed, holding.party, rounds)
    found: Metrics = {}
    for model, learned in (("shared", published), ("alone", by_itself)):
        for measure, value in measured(spec, learned, holding, seed).items():
            found.setdefault(measure, {})[model] = value
    return found


def measured(spec: Encoders, learned: Parameters, holding: Holding, seed: int) -> dict[str, float]:
    """Measure an encoder on the samples of a party.

    Args:
        spec: What the job says.
        learned: The parameters of a learner.
        holding: The party's samples.
        seed: The job's.

    Returns:
        On the test samples: `accuracy` with the head of the job, `probe` with a logistic regression
        on the embeddings.

    Raises:
        SpecError: The samples have no labels, or do not fit the job.
    """
    model = tuned(spec, learned, holding.train, seed, holding.party)
    untouched = replace(model, encoder=encoder_of(learned))
    return {
        "accuracy": accuracy(model, holding.test),
        "probe": probe(untouched, holding.train, holding.test),
    }


def alone(
    spec: Encoders,
    samples: Samples,
    seed: int,
    party: str,
    rounds: int,
    vocabulary: "Tokenizer | None" = None,
) -> Parameters:
    """Train with nobody else, from where the job begins, and as many steps as in the job.

    Args:
        spec: What the job says; its rule of fusion and its privacy have no part in it.
        samples: To train on.
        seed: The job's.
        party: Whose samples they are.
        rounds: Of the job.
        vocabulary: Of a static network.

    Returns:
        The parameters of a learner.

    Raises:
        SpecError: The samples do not fit the network or the classes of the job.
    """
    plain = structs.replace(spec, fusion=Count(), privacy=Privacy())
    by_itself = trainer(plain, samples, seed, party, vocabulary)
    trained = initial(plain, seed, 0 if vocabulary is None else vocabulary.size)
    for number in range(1, rounds + 1):
        trained, _ = by_itself.train(trained, number)
    return trained


def with_shared_head(spec: Encoders, learned: Parameters, samples: Samples | None) -> Model:
    """The encoder and the head that the objective "labels" trained together.

    Args:
        spec: What the job says.
        learned: The parameters of a learner.
        samples: Those of the party that were trained on, whose scaling it keeps; if it has any.

    Returns:
        The model.

    Raises:
        SpecError: The samples do not fit the network.
    """
    scaling = None if samples is None else scaling_of(spec.network, samples)
    return Model(
        layered(spec.network), encoder_of(learned), scaling, spec.classes, task_of(learned)
    )


def tuned(spec: Encoders, learned: Parameters, samples: Samples, seed: int, party: str) -> Model:
    """Train a head for the labels of samples.

    Args:
        spec: What the job says.
        learned: The parameters of a learner.
        samples: With labels.
        seed: The job's.
        party: Whose samples they are.

    Returns:
        The model; its encoder has changed where the head fine-tunes it.

    Raises:
        SpecError: The samples have no labels, or do not fit the network.
    """
    head = spec.head or Head()
    scaling = scaling_of(spec.network, samples)
    model = Model(layered(spec.network), encoder_of(learned), scaling, classes_of(samples))
    generator = seeds.generator(seed, "head", party)
    common = _Common(embeddings(model, samples))
    layer = build.head(layered(spec.network), len(model.classes))
    parameters.draw(layer, generator)
    learner = Learner(encoder(model), nn.Sequential(common, layer))
    learner.encoder.requires_grad_(head.tune == "fine_tune")
    _descend(head, learner, to_inputs(spec.network, samples, model.classes), generator)
    return replace(
        model,
        encoder=parameters.arrays_of(learner.encoder),
        head=common.folded(parameters.arrays_of(layer)),
    )


def _descend(head: Head, learner: Learner, among: Inputs, generator: np.random.Generator) -> None:
    wanted = [it for it in learner.parameters() if it.requires_grad]
    optimiser = torch.optim.Adam(wanted, head.rate)
    plan = LocalTraining(steps=head.steps, batch=head.batch)
    for rows in batches(plan, len(among), generator):
        batch = among.take(rows)
        optimiser.zero_grad()
        torch.autograd.backward(functional.cross_entropy(learner(batch.values), batch.labels))
        optimiser.step()


class _Common(nn.Module):
    """Brings embeddings to a common scale, so that steps of one length suit all of them."""

    def __init__(self, found: NDArray[np.float32]) -> None:
        super().__init__()
        self._scaling = Scaling.of(found)

    def forward(self, found: Tensor) -> Tensor:
        mean, deviation = self._scaling.mean, self._scaling.deviation
        return (found - torch.tensor(mean)) / torch.tensor(deviation)

    def folded(self, layer: Parameters) -> Parameters:
        """The linear layer that does the same to embeddings as they are."""
        weight = layer["weight"] / self._scaling.deviation
        return {"weight": weight, "bias": layer["bias"] - weight @ self._scaling.mean}


def probe(model: Model, train: Samples, test: Samples) -> float:
    """The accuracy of a logistic regression on embeddings.

    Args:
        model: Its head is not used.
        train: Labelled samples for the regression.
        test: Labelled samples to measure it on.

    Returns:
        The share of `test` that it gets right.

    Raises:
        SpecError: The samples have no labels, or do not fit the network.
    """
    # They take as long to load as PyTorch, and few jobs probe.
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    classes, truth = classes_of(train), np.array(test.labels)
    if len(classes) == 1:  # nothing to regress on
        return float((truth == classes[0]).mean())
    regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    regression.fit(embeddings(model, train), np.array(train.labels))
    return float(regression.score(embeddings(model, test), truth))


def classes_of(samples: Samples) -> tuple[str, ...]:
    """Every label that samples have, sorted.

    Args:
        samples: With labels.

    Returns:
        Their names.

    Raises:
        SpecError: They have none.
    """
    if not samples.labels:
        raise SpecError(
            "your samples have no labels, and a head needs them. Name the column of the labels in "
            "the party file: `label`."
        )
    return tuple(sorted(set(samples.labels)))
