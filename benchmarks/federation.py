"""Ten children whose small networks train at once in one process, some of them faulty.

A stand-in for children of a job that is quick enough for thousands of trainings: a network of one
hidden layer, in one vector, and all children in one batched product. What fuses their updates is
the product's.
"""

import gzip
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn import datasets
from torch import Tensor
from torch.nn import functional

from isthmus.core.arrays import Bools, Floats, Integers
from isthmus.core.errors import SpecError
from isthmus.core.seeds import generator
from isthmus.horizontal.fusion.weigher import Scores
from isthmus.horizontal.parameters import Updates, Vector

Fault = Literal["none", "label_noise", "sign_flip", "label_flip"]

ALL = slice(None)

CLASSES = 10


class Samples(NamedTuple):
    """Rows of pixels and their classes."""

    inputs: NDArray[np.float32]
    classes: Integers


@dataclass(frozen=True)
class Dataset:
    """Samples, and how many of them go where; children have the rest."""

    samples: Samples
    root: int
    """The master's own."""

    test: int
    fewest: int
    """Samples that each child has at least."""


def digits() -> Dataset:
    """Scikit-learn's digits, 8 x 8 pixels."""
    bunch = datasets.load_digits()
    return Dataset(_standard(bunch.data, bunch.target), root=150, test=500, fewest=10)


def notmnist(folder: Path) -> Dataset:
    """Letters A to J in many typefaces, halved to 14 x 14 pixels.

    Args:
        folder: Holds the two files in idx format.

    Returns:
        The dataset.

    Raises:
        SpecError: The files are not there.
    """
    images, labels = (folder / f"t10k-{part}-ubyte.gz" for part in ("images-idx3", "labels-idx1"))
    if not images.exists():
        raise SpecError(f"{folder}: there is no notMNIST. Give the folder that holds it.")
    with gzip.open(images) as file:
        pixels = np.frombuffer(file.read()[16:], np.uint8).reshape(-1, 14, 2, 14, 2).mean((2, 4))
    with gzip.open(labels) as file:
        classes = np.frombuffer(file.read()[8:], np.uint8)
    return Dataset(_standard(pixels.reshape(len(pixels), -1), classes), 300, 2000, 20)


def synthetic() -> Dataset:
    """Made-up clusters, to tune on."""
    inputs, classes = datasets.make_classification(
        6000, 40, n_informative=15, n_redundant=10, n_classes=CLASSES, n_clusters_per_class=2,
        class_sep=1.6, flip_y=0.02, random_state=5,
    )  # fmt: skip
    return Dataset(_standard(inputs, classes), 300, 2000, 20)


def _standard(inputs: NDArray[np.generic], classes: NDArray[np.generic]) -> Samples:
    values = inputs.astype(np.float32)
    return Samples((values - values.mean()) / values.std(), classes.astype(np.int64))


@dataclass(frozen=True)
class Setting:
    """Who holds what, and who is faulty."""

    alpha: float
    """Of the Dirichlet distribution by which each class is spread over the children."""

    fault: Fault = "none"
    share: float = 0.0
    """Of the children that are faulty."""

    children: int = 10


@dataclass(frozen=True)
class Descent:
    """How a child trains in a round."""

    steps: int = 12
    batch: int = 32
    rate: float = 0.1


class Federation:
    """Children, a master with samples of its own, and a test set."""

    def __init__(self, dataset: Dataset, setting: Setting, seed: int, hidden: int = 64) -> None:
        draw = generator(seed, "federation")
        inputs, classes = dataset.samples
        order = draw.permutation(len(classes))
        bounds = [dataset.root, dataset.root + dataset.test]
        root, test, rest = np.split(order, bounds)
        self.root = torch.from_numpy(inputs[root]), torch.from_numpy(classes[root])
        self._test = torch.from_numpy(inputs[test]), torch.from_numpy(classes[test])
        owned = _dirichlet(classes[rest], setting, dataset.fewest, draw)
        self.counts: Integers = np.array([len(it) for it in owned])
        self.faulty: Bools = np.zeros(setting.children, bool)
        self.faulty[draw.permutation(setting.children)[: round(setting.share * len(owned))]] = True
        labels = classes[rest].copy()
        for rows in (rows for rows, bad in zip(owned, self.faulty, strict=True) if bad):
            if setting.fault == "label_noise":
                labels[rows] = draw.integers(0, CLASSES, len(rows))
            elif setting.fault == "label_flip":
                labels[rows] = CLASSES - 1 - labels[rows]
        self._owned = owned
        self._data = torch.from_numpy(inputs[rest]), torch.from_numpy(labels)
        self._flips = setting.fault == "sign_flip"
        self.seed = seed
        self.shapes = ((inputs.shape[1], hidden), (hidden,), (hidden, CLASSES), (CLASSES,))
        self.size = sum(math.prod(shape) for shape in self.shapes)

    def initial(self) -> Vector:
        """Parameters before the first round."""
        draw = generator(self.seed, "initial")
        parts = [
            draw.normal(size=shape) * math.sqrt(2 / shape[0]) if len(shape) > 1 else np.zeros(shape)
            for shape in self.shapes
        ]
        return np.concatenate([part.ravel() for part in parts]).astype(np.float32)

    def train(
        self,
        parameters: Vector,
        number: int,
        descent: Descent,
        proximal: float = 0.0,
        corrections: Updates | None = None,
    ) -> Updates:
        """What all children send in a round.

        Args:
            parameters: Where they start.
            number: Of the round.
            descent: How they train.
            proximal: Pull back to the start.
            corrections: Added to each child's gradient.

        Returns:
            One row per child.
        """
        draw = generator(self.seed, "round", str(number))
        inputs, labels = self._data

        def batch() -> tuple[Tensor, Tensor]:
            rows = np.stack([it[draw.integers(0, len(it), descent.batch)] for it in self._owned])
            return inputs[rows], labels[rows]

        starts = np.tile(parameters, (len(self._owned), 1))
        updates = self._descend(starts, batch, descent, proximal, corrections)
        if self._flips:
            updates[self.faulty] *= -1
        return updates

    def train_root(
        self, parameters: Vector, number: int, descent: Descent, part: slice = ALL
    ) -> Vector:
        """What the master's own samples, or a part of them, give in a round."""
        draw = generator(self.seed, "root", str(number))
        inputs, labels = (it[part] for it in self.root)

        def batch() -> tuple[Tensor, Tensor]:
            rows = draw.integers(0, len(labels), (1, descent.batch))
            return inputs[rows], labels[rows]

        update: Vector = self._descend(parameters[None].copy(), batch, descent)[0]
        return update

    def _descend(
        self,
        starts: Updates,
        batch: Callable[[], tuple[Tensor, Tensor]],
        descent: Descent,
        proximal: float = 0.0,
        corrections: Updates | None = None,
    ) -> Updates:
        begin = torch.from_numpy(starts)
        now = begin
        for _ in range(descent.steps):
            inputs, labels = batch()
            now = now.detach().requires_grad_()
            losses = self._losses(now, inputs, labels)
            (gradient,) = torch.autograd.grad(losses.mean(1).sum(), now)
            with torch.no_grad():
                if proximal:
                    gradient = gradient + proximal * (now - begin)
                if corrections is not None:
                    gradient = gradient + torch.from_numpy(corrections)
                now = now - descent.rate * gradient
        updates: Updates = (now.detach() - begin).numpy()
        return updates

    def _logits(self, vectors: Tensor, inputs: Tensor) -> Tensor:
        sizes = [math.prod(shape) for shape in self.shapes]
        w1, b1, w2, b2 = (
            part.reshape(len(vectors), *shape)
            for part, shape in zip(torch.split(vectors, sizes, dim=1), self.shapes, strict=True)
        )
        rows = inputs if inputs.dim() > 2 else inputs.expand(len(vectors), -1, -1)  # noqa: PLR2004
        hidden = torch.relu(torch.baddbmm(b1[:, None], rows, w1))
        return torch.baddbmm(b2[:, None], hidden, w2)

    def _losses(self, vectors: Tensor, inputs: Tensor, labels: Tensor) -> Tensor:
        logits = self._logits(vectors, inputs)
        flat = labels.expand(len(vectors), -1).reshape(-1)
        losses = functional.cross_entropy(logits.flatten(0, 1), flat, reduction="none")
        return losses.reshape(len(vectors), -1)

    @torch.no_grad()
    def judge(self, parameters: Vector, updates: Updates, part: slice = ALL) -> Scores:
        """Scores on the master's own samples, or on a part of them."""
        inputs, labels = (it[part] for it in self.root)
        logits = self._logits(torch.from_numpy(parameters + updates), inputs)
        logs = functional.log_softmax(logits, -1)
        right = logs.gather(-1, labels.expand(len(updates), -1)[..., None])[..., 0]
        return Scores(
            accuracy=(logits.argmax(-1) == labels).double().mean(1).numpy(),
            loss=-right.double().mean(1).numpy(),
        )

    def loss_gradient(self, parameters: Vector, update: Vector, part: slice = ALL) -> Vector:
        """Gradient of the loss on the master's own samples, or on a part of them."""
        inputs, labels = self.root
        moved = torch.from_numpy((parameters + update)[None]).requires_grad_()
        losses = self._losses(moved, inputs[part], labels[part])
        (gradient,) = torch.autograd.grad(losses.mean(), moved)
        return gradient[0].numpy()

    @torch.no_grad()
    def accuracy(self, parameters: Vector) -> float:
        """Share of test samples whose likeliest class is the right one."""
        inputs, labels = self._test
        found = self._logits(torch.from_numpy(parameters[None]), inputs)[0].argmax(-1)
        return float((found == labels).float().mean())


def _dirichlet(
    classes: Integers, setting: Setting, fewest: int, draw: np.random.Generator
) -> list[Integers]:
    while True:
        parts = [list[Integers]() for _ in range(setting.children)]
        for label in range(CLASSES):
            rows = draw.permutation(np.flatnonzero(classes == label))
            shares: Floats = draw.dirichlet([setting.alpha] * setting.children)
            cuts = (np.cumsum(shares)[:-1] * len(rows)).astype(int)
            for part, some in zip(parts, np.split(rows, cuts), strict=True):
                part.append(some)
        owned = [np.concatenate(part) for part in parts]
        if min(len(it) for it in owned) >= fewest:
            return owned
