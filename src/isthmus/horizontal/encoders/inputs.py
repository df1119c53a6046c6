"""Samples as the inputs of a network."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isthmus.core.arrays import Integers
from isthmus.core.errors import SpecError
from isthmus.data.samples import Samples
from isthmus.horizontal.encoders.scaling import Scaling
from isthmus.horizontal.encoders.spec import AnyNetwork, Encoders, Static
from isthmus.horizontal.encoders.switching import Switcher, Vocabulary
from isthmus.nn.spec import Image, Network, Tabular, Text
from isthmus.nn.text import PADDING, longest, numbers_of
from isthmus.text.tokens import Tokens

NO_PIECE = -1
"""Stands after the last piece of a text."""


@dataclass(frozen=True)
class Inputs:
    """Inputs of a network, and the class of each where it learns classes."""

    values: Tensor
    """Shape (rows, columns), (rows, channels, height, width), (rows, places) of a text,
    (rows, languages, places) of a text and its translations, or (rows,)."""

    classes: Tensor | None = None
    """Numbers, shape (rows,)."""

    padding: int = PADDING
    """Stands after a text that is shorter than others."""

    switcher: Switcher | None = None
    """Draws the texts of these rows in other languages; `values` are then numbers of rows."""

    def __len__(self) -> int:
        return len(self.values)

    @property
    def labels(self) -> Tensor:
        """The classes.

        Raises:
            ValueError: There are none.
        """
        if self.classes is None:
            raise ValueError("these inputs have no classes: read them with the names of some")
        return self.classes

    def take(self, rows: Integers) -> "Inputs":
        """Returns the inputs at these positions, in this order."""
        chosen = torch.tensor(rows)
        values = self.values[chosen]
        if (
            values.dtype == torch.int64 and values.ndim > 1
        ):  # texts: a batch is as long as its longest
            values = longest(values, self.padding)
        classes = None if self.classes is None else self.classes[chosen]
        return Inputs(values, classes, self.padding, self.switcher)


def scaling_of(network: AnyNetwork, samples: Samples) -> Scaling | None:
    """The scaling of the columns that a network takes, or nothing where it takes no columns.

    Args:
        network: Which one; it may have public ranges.
        samples: Those that it is trained on.

    Returns:
        The scaling, to be used for the samples to test on as well.
    """
    return _scaling(network, columns(network, samples)) if isinstance(network, Tabular) else None


def inputs_to_train(spec: Encoders, samples: Samples, vocabulary: Vocabulary | None) -> Inputs:
    """Convert samples to what the objective of a job learns from.

    Args:
        spec: What the job says.
        samples: Of the type of its network.
        vocabulary: Of a static network.

    Returns:
        The inputs, in the order of the samples.

    Raises:
        SpecError: They do not fit the job, or its list of words cannot be read.
    """
    if spec.switching is None or not isinstance(spec.network, Static) or vocabulary is None:
        return to_inputs(spec.network, samples, spec.classes, vocabulary=vocabulary)
    switcher = Switcher(samples, spec.switching, vocabulary, spec.network.length)
    return Inputs(torch.arange(len(samples)), switcher=switcher)


def to_inputs(
    network: AnyNetwork,
    samples: Samples,
    classes: tuple[str, ...] = (),
    scaling: Scaling | None = None,
    vocabulary: Vocabulary | None = None,
) -> Inputs:
    """Convert samples to the inputs of a network.

    Args:
        network: Which one.
        samples: Of its type.
        classes: Names of the classes to learn, or none.
        scaling: Of the samples that it was trained on; none where it is trained on these.
        vocabulary: Of a static network.

    Returns:
        The inputs, in the order of the samples.

    Raises:
        SpecError: They have another form than the network, or labels that are no class of the job.
    """
    if isinstance(network, Static):
        return Inputs(torch.tensor(_pieces(network, samples, vocabulary)), padding=NO_PIECE)
    return Inputs(
        torch.tensor(_inputs(network, samples, scaling)),
        torch.tensor(_numbers(samples.labels, classes)) if classes else None,
    )


def check_texts(objective: str, samples: Samples) -> None:
    """Refuse samples with too few columns of text for an objective, or too many.

    Args:
        objective: Of the job.
        samples: Of the type of its network.

    Raises:
        SpecError: There is a column too many, or none to learn from.
    """
    columns = len(samples.names)
    if objective == "switched":
        return
    if objective == "pairs" and not samples.translations:
        raise SpecError(
            f"the job learns from texts and their translations, and {columns} of your `columns` is "
            "a text. Name a column for each language."
        )
    if objective != "pairs" and samples.translations:
        raise SpecError(
            f"`columns` chooses {columns} columns, and the objective {objective!r} of the job "
            "learns from one column of text. Name it."
        )


def _pieces(network: Static, samples: Samples, vocabulary: Vocabulary | None) -> NDArray[np.int64]:
    if vocabulary is None:
        raise ValueError("a static network reads texts by a vocabulary: give it")
    columns = (samples.texts, *samples.translations)
    tokens = [vocabulary.tokens(texts, network.length) for texts in columns]
    places = max(int(it.lengths.max(initial=1)) for it in tokens)
    return np.stack([_padded(it, places) for it in tokens], axis=1)


def _padded(tokens: Tokens, places: int) -> NDArray[np.int64]:
    found = np.full((tokens.texts, places), NO_PIECE, np.int64)
    found[np.arange(places) < tokens.lengths[:, None]] = tokens.ids
    return found


def _inputs(
    network: Network, samples: Samples, scaling: Scaling | None
) -> NDArray[np.float32] | NDArray[np.int64]:
    match network:
        case Tabular():
            rows = columns(network, samples)
            return (scaling or _scaling(network, rows)).apply(rows)
        case Image():
            return _images(network, samples)
        case Text(length=length):
            texts = [numbers_of(it, length) for it in (samples.texts, *samples.translations)]
            return np.stack(texts, axis=1) if samples.translations else texts[0]


def _scaling(network: Tabular, rows: NDArray[np.float32]) -> Scaling:
    if network.ranges:
        return Scaling.within([network.ranges[name] for name in network.columns])
    return Scaling.of(rows)


def columns(network: Tabular, samples: Samples) -> NDArray[np.float32]:
    """The columns that a network takes, in its order.

    Args:
        network: It names them.
        samples: They may have more.

    Returns:
        Shape (rows, columns), in the columns' own units.

    Raises:
        SpecError: One is missing.
    """
    place = {name: it for it, name in enumerate(samples.names)}
    for name in network.columns:
        if name not in place:
            raise SpecError(
                f"your samples have no column {name!r}, which the network of the job takes. Look "
                "at the dataset in the party file."
            )
    return samples.inputs[:, [place[name] for name in network.columns]]


def _images(network: Image, samples: Samples) -> NDArray[np.float32]:
    height, width, channels = network.height, network.width, network.channels
    have, due = samples.inputs.shape[1], height * width * channels
    if have != due:
        raise SpecError(
            f"a row of your samples has {have} numbers, and an image of {height} x {width} pixels "
            f"with {channels} channels, as the job has it, {due}. Look at the dataset in the party "
            "file."
        )
    pixels = samples.inputs.reshape(-1, height, width, channels) / np.float32(network.largest)
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))


def _numbers(labels: tuple[str, ...] | None, classes: tuple[str, ...]) -> Integers:
    if labels is None:
        raise SpecError(
            "your samples have no labels, and the job learns classes. Name the column of the "
            "labels in the party file: `label`."
        )
    number = {name: it for it, name in enumerate(classes)}
    unknown = sum(label not in number for label in labels)
    if unknown:
        raise SpecError(
            f"{unknown} of your {len(labels)} samples have a label that is none of the "
            f"{len(classes)} `classes` of the job. Correct or remove them."
        )
    return np.array([number[label] for label in labels], np.int64)
