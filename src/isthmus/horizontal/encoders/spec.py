"""Keys of a job about shared encoders."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from msgspec import Meta
from msgspec.structs import replace

from isthmus.core.spec import Spec
from isthmus.horizontal.fusion.spec import (
    ActorCritic,
    Count,
    FedAdam,
    FedAvgM,
    FedProx,
    FedYogi,
    FLTrust,
    Fusion,
    Limits,
    Scaffold,
    TouchMean,
    Uniform,
    ValidationGradient,
)
from isthmus.horizontal.privacy.spec import (
    Delta,
    Epsilon,
    Privacy,
    SecureAggregation,
    conflict,
)
from isthmus.horizontal.spec import LocalTraining, Rounds
from isthmus.nn.spec import Network, NetworkSpec, Size, Tabular, Text, type_of

Objective = Literal["reconstruction", "contrastive", "labels", "pairs", "switched"]


class Switching(Spec, frozen=True):
    """Texts beside themselves with words in other languages, by a list that all parties have."""

    table: Annotated[
        str,
        Meta(
            description="a public .tsv file, with a path from the folder of the job: language, "
            "word, language of the translation, translation"
        ),
    ]
    kept: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="share of the words without a translation that stay beside the others",
        ),
    ] = 0.2

    def anchored(self, folder: Path) -> Self:
        """Returns the table with an absolute path; it is relative to the folder so far."""
        return replace(self, table=str(Path(folder, self.table).absolute()))


class CountNoise(Spec, frozen=True):
    """Differential privacy of what the texts of one person add to a vocabulary.

    Each child adds noise to its counts itself: the master and other children may conspire.
    """

    epsilon: Annotated[Epsilon, Meta(description="of cells and words together")] = 4.0
    delta: Annotated[Delta, Meta(description="chance for which epsilon need not hold")] = 1e-6
    documents: Annotated[
        int,
        Meta(
            ge=1,
            le=10**6,
            description="texts of one person that are hidden together; a translation is one more",
        ),
    ] = 2


class Joint(Spec, frozen=True):
    """How a vocabulary of the words of all children comes about."""

    pieces: Annotated[
        int, Meta(ge=512, le=1_000_000, description="most pieces of the vocabulary")
    ] = 8192
    least_documents: Annotated[
        int,
        Meta(ge=2, le=10**6, description="documents of all children that a word must be in"),
    ] = 20
    own_documents: Annotated[
        int,
        Meta(ge=1, le=10**6, description="documents of a child itself that it must be in"),
    ] = 5
    words_per_document: Annotated[
        int, Meta(ge=1, le=10_000, description="words of one document that are counted")
    ] = 50
    noise: Annotated[
        CountNoise | None,
        Meta(description="makes counts and named words differentially private; none: they are not"),
    ] = None


class Static(NetworkSpec, frozen=True, tag="static"):
    """Texts in any languages, each the weighted mean of the vectors of its pieces."""

    tables: ClassVar[tuple[str, ...]] = ("table", "log_weights")

    size: Size = 256
    vocabulary: Annotated[
        Literal["given", "joint"],
        Meta(
            description="given: the file `tokenizer`; joint: trained on the words that many "
            "documents of all children have"
        ),
    ] = "given"
    tokenizer: Annotated[
        str,
        Meta(
            description="a public tokenizer.json that every party has, with a path from the folder "
            "of the job; the master tells its digest"
        ),
    ] = "tokenizer.json"
    joint: Joint = Joint()
    length: Annotated[
        int, Meta(ge=1, le=8192, description="pieces that are read of a text; the rest is cut off")
    ] = 128


AnyNetwork = Network | Static
"""All types of network of a shared encoder."""


def layered(network: AnyNetwork) -> Network:
    """Narrow a type of network.

    Args:
        network: Any but a static one.

    Returns:
        The same.

    Raises:
        TypeError: It is static.
    """
    if isinstance(network, Static):
        raise TypeError("a static network has neither layers nor a head")
    return network


def sample_type(network: AnyNetwork) -> str:
    """Returns the type of the samples that a network takes."""
    return "text" if isinstance(network, Static) else type_of(network)


class Head(Spec, frozen=True):
    """What a child trains on top of the encoder, for its own labels; it shares nothing of it."""

    tune: Annotated[
        Literal["frozen", "fine_tune"],
        Meta(description="leave the encoder as it is, or train it on with the head"),
    ] = "frozen"
    steps: Annotated[int, Meta(ge=1, le=1_000_000, description="batches to train on")] = 200
    batch: Annotated[int, Meta(ge=1, le=1_000_000, description="samples of a batch")] = 32
    rate: Annotated[float, Meta(gt=0, le=100, description="learning rate of Adam")] = 1e-2


class Encoders(Spec, frozen=True):
    """The `[encoders]` table of a job: an encoder that children train together."""

    network: Annotated[AnyNetwork, Meta(description="what turns a sample into an embedding")]
    objective: Annotated[
        Objective,
        Meta(
            description="what children learn from: parts that were masked, two views of a sample, "
            "labels over `classes`, pairs of a text and its translation, or texts and the same "
            "with words in other languages (`switching`)"
        ),
    ] = "reconstruction"
    classes: Annotated[
        tuple[str, ...],
        Meta(max_length=100_000, description="names of the labels, for the objective `labels`"),
    ] = ()
    masked: Annotated[
        float,
        Meta(gt=0, lt=1, description="share of a sample that is masked, without labels"),
    ] = 0.3
    temperature: Annotated[
        float, Meta(gt=0, le=10, description="of the contrast between samples; less: sharper")
    ] = 0.2
    margin: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="by how much the cosine of a text and its translation has to be above "
            "those with others of the batch",
        ),
    ] = 0.3
    left_out: Annotated[
        float,
        Meta(
            ge=0,
            lt=1,
            description="share of the pieces of a text that a static network leaves out by chance",
        ),
    ] = 0.2
    switching: Annotated[
        Switching | None, Meta(description="for the objective `switched` only")
    ] = None
    least_samples: Annotated[
        int, Meta(ge=2, le=2**40, description="a child with fewer declines to train")
    ] = 2
    training: LocalTraining = LocalTraining()
    fusion: Fusion = Count()
    rounds: Rounds = Rounds()
    limits: Limits = Limits()
    head: Head | None = None
    privacy: Privacy = Privacy()

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        Raises:
            ValueError: Two keys do not go together.
        """
        found = (
            _class_conflict(self)
            or _network_conflict(self)
            or _training_conflict(self)
            or _privacy_conflict(self)
        )
        if found:
            raise ValueError(found)


def _class_conflict(spec: Encoders) -> str:
    labels = spec.objective == "labels"
    if labels and len(set(spec.classes)) < _FEWEST_CLASSES:
        return 'the objective "labels" needs at least two `classes`'
    if len(set(spec.classes)) < len(spec.classes):
        return "one of the `classes` is named twice"
    return "" if labels or not spec.classes else '`classes` are for the objective "labels" only'


def _network_conflict(spec: Encoders) -> str:
    if (spec.objective == "switched") != (spec.switching is not None):
        return 'the objective "switched" and the table `switching` go together: write both or none'
    if isinstance(spec.network, Static):
        return _static_conflict(spec)
    if spec.objective == "switched":
        return 'the objective "switched" is for the network "static"'
    if spec.objective == "pairs" and not isinstance(spec.network, Text):
        return 'the objective "pairs" is for networks of texts, "static" and "text"'
    return ""


def _static_conflict(spec: Encoders) -> str:
    if spec.objective not in {"pairs", "switched"}:
        return (
            'the network "static" learns from texts in several languages alone: write `objective = '
            '"pairs"` or `"switched"`'
        )
    if spec.head is not None:
        return 'no head is trained on the network "static": take the table `head` out'
    if isinstance(spec.fusion, _BY_ROOT):
        return (
            f"the fusion rule {type(spec.fusion).__struct_config__.tag!r} needs samples of the "
            'master\'s own, which the network "static" does not take: choose another rule'
        )
    return ""


def _training_conflict(spec: Encoders) -> str:
    training = spec.training
    if isinstance(spec.fusion, Scaffold) and (training.optimiser != "sgd" or training.momentum > 0):
        # Its controls are means of the gradients that a child descended by.
        return 'the fusion rule "scaffold" needs the optimiser "sgd" without `momentum`'
    rule = spec.fusion
    if isinstance(rule, TouchMean) and not rule.tables and not spec.network.tables:
        return (
            'the fusion rule "touch_mean" averages the rows of tables, and this network has none: '
            'take "count"'
        )
    return ""


def _privacy_conflict(spec: Encoders) -> str:
    name, asked = type(spec.fusion).__struct_config__.tag, spec.privacy
    by_sum = _sees_sums_alone(spec.fusion)
    if asked.secure_aggregation and not by_sum:
        return (
            f"the fusion rule {name!r} looks at more than the sum of a round, which is all that "
            "`privacy.secure_aggregation` leaves to see: choose another rule"
        )
    learns = isinstance(spec.fusion, ActorCritic) and asked.secure_aggregation is None
    if asked.child_level and (learns or not by_sum):
        return (
            f"the noise of `privacy.child_level` goes on the mean of a round, and the fusion rule "
            f"{name!r} looks at each update before: choose another rule"
        )
    if asked.child_level and isinstance(spec.fusion, TouchMean):
        return (
            "a row that one child alone touched is its own in the mean, which the noise of "
            f"`privacy.child_level` does not cover, and the fusion rule is {name!r}: choose "
            "another rule"
        )
    if asked.sample_level and isinstance(spec.fusion, FedProx | Scaffold):
        return (
            f"the fusion rule {name!r} corrects gradients after `privacy.sample_level` has bounded "
            "them: choose another rule"
        )
    if asked.sample_level and spec.objective in {"contrastive", "pairs", "switched"}:
        return (
            f'the objective "{spec.objective}" compares samples, so that `privacy.sample_level` '
            "cannot bound what one of them tells: choose another objective"
        )
    return (
        _noiseless_conflict(spec)
        or _caps_conflict(spec.fusion, asked.secure_aggregation)
        or conflict(asked)
    )


def _noiseless_conflict(spec: Encoders) -> str:
    """Returns what would be learned from samples without noise, although the job asks for noise."""
    network, asked = spec.network, spec.privacy
    if asked.sample_level and isinstance(network, Tabular) and not network.ranges:
        return (
            "without `ranges` each child scales its columns by its own samples, on which the noise "
            "of `privacy.sample_level` does not go: give the network the public least and largest "
            f'value of each column, ranges = {{ "{network.columns[0]}" = [0, 100], ... }}'
        )
    if asked.child_level and isinstance(network, Static) and network.vocabulary == "joint":
        return (
            "the words that children name for a joint vocabulary are told to all without the noise "
            'of `privacy.child_level`: take `vocabulary = "given"`'
        )
    return ""


def _caps_conflict(rule: Fusion, secure: SecureAggregation | None) -> str:
    if secure is None or not isinstance(rule, ActorCritic):
        return ""
    if rule.caps is None or rule.caps.largest > secure.largest_share:
        return (
            "children refuse a sum in which one counts for more than the `largest_share` of "
            f"`privacy.secure_aggregation`, {secure.largest_share:g}, and the fusion rule "
            "'actor_critic' may choose such weights: write `caps = { largest = "
            f"{secure.largest_share:g} }}`, or less, in its table"
        )
    return ""


def _sees_sums_alone(rule: Fusion) -> bool:
    if isinstance(rule, ActorCritic):
        return rule.mode == "sum_only"
    return isinstance(rule, _BY_SUM)


_FEWEST_CLASSES = 2
_BY_ROOT = (ActorCritic, FLTrust, ValidationGradient)
_BY_SUM = (Count, Uniform, TouchMean, FedAvgM, FedAdam, FedYogi, FedProx)
