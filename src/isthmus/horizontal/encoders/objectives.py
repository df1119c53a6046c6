"""Training objectives of an encoder: the loss of each sample of a batch.

All chance comes from a generator that is made of the job's seed, the party and the round: who plays
a round again masks the same parts.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from isthmus.core.arrays import Integers
from isthmus.horizontal.encoders.inputs import NO_PIECE, Inputs
from isthmus.horizontal.encoders.learner import Learner
from isthmus.horizontal.encoders.spec import Encoders, Static
from isthmus.horizontal.encoders.switching import Switcher
from isthmus.nn.image import Grid
from isthmus.nn.spec import Image, Network, Tabular, Text
from isthmus.nn.text import BYTES, MASK, TextEncoder
from isthmus.text import contrast as translations
from isthmus.text import static
from isthmus.text.static import StaticEncoder
from isthmus.text.tokens import Tokens

_FEWEST = 2  # texts of a batch

_TURN, _SHIFT, _ZOOM = math.radians(15), 0.15, 0.15  # how far a view of an image is moved


def losses(
    spec: Encoders, learner: Learner, batch: Inputs, generator: np.random.Generator
) -> Tensor:
    """Losses of a batch by the objective of the job.

    Args:
        spec: The objective, and what it needs.
        learner: What is trained.
        batch: At least two examples, for the objective "contrastive".
        generator: Draws what is masked.

    Returns:
        Shape (batch,).
    """
    network = spec.network
    if batch.switcher is not None:
        return switched(spec, learner, batch.switcher, batch.values, generator)
    if isinstance(network, Static):
        return pairs(spec, learner, batch.values, generator)
    match spec.objective:
        case "pairs" | "switched":
            return pairs(spec, learner, batch.values, generator)
        case "reconstruction":
            return reconstruction(network, learner, batch.values, spec.masked, generator)
        case "contrastive":
            views = [view(network, batch.values, spec.masked, generator) for _ in range(2)]
            return contrast(learner(views[0]), learner(views[1]), spec.temperature)
        case "labels":
            return functional.cross_entropy(learner(batch.values), batch.labels, reduction="none")


def reconstruction(
    network: Network,
    learner: Learner,
    inputs: Tensor,
    share: float,
    generator: np.random.Generator,
) -> Tensor:
    """How badly the masked parts of each sample are guessed from the others.

    Args:
        network: Whose columns, patches or bytes are masked.
        learner: Its task is the decoder of the network.
        inputs: As the network takes them in.
        share: Of the parts that are masked, each by chance.
        generator: Draws them.

    Returns:
        Shape (batch,): mean squared errors, or of bytes the cross-entropy; 0 where no part of a
        sample is masked.

    Source:
        Vincent et al. 2008 (ICML) for columns and patches, Devlin et al. 2019 (NAACL) for bytes.
    """
    chosen = _chosen(network, inputs, share, generator)
    if isinstance(network, Text):
        places = _places(learner, _masked(network, inputs, chosen))
        wrong = _byte_errors(learner.task(places), inputs, chosen)
    else:
        wrong = (learner(_masked(network, inputs, chosen)) - inputs) ** 2
    marks = chosen.expand_as(wrong).flatten(1)
    return (wrong.flatten(1) * marks).sum(dim=1) / marks.sum(dim=1).clamp(min=1)


def contrast(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """How badly each sample is told from the others of its batch by two views of it.

    Args:
        first: Projections of one view of each sample, shape (batch, size).
        second: Of another one.
        temperature: Of the softmax over the other samples.

    Returns:
        Shape (batch,), the mean over both views.

    Source:
        NT-Xent of SimCLR: Chen et al. 2020 (ICML), equation 1.
    """
    both = functional.normalize(torch.cat([first, second]), dim=1)
    likeness = (both @ both.T) / temperature
    itself = torch.eye(len(both), dtype=torch.bool, device=both.device)
    other_view = torch.arange(len(both), device=both.device).roll(len(first))
    wrong = functional.cross_entropy(
        likeness.masked_fill(itself, -torch.inf), other_view, reduction="none"
    )
    return wrong.view(2, -1).mean(dim=0)


def pairs(
    spec: Encoders, learner: Learner, texts: Tensor, generator: np.random.Generator
) -> Tensor:
    """How badly texts are told from others of their batch by their translations.

    Args:
        spec: Temperature and margin, and how many pieces are left out.
        learner: Its encoder is one of texts.
        texts: With their translations, shape (batch, languages, places).
        generator: Draws two of the languages, and pieces.

    Returns:
        Shape (batch,), the same mean at each place; 0 of a batch without another text.

    Source:
        `isthmus.text.contrast`.
    """
    chosen = generator.choice(texts.shape[1], 2, replace=False)
    one, other = (texts[:, int(column)] for column in chosen)
    same = translations.same_texts(_numbers(one), _numbers(other))
    if len(texts) == 1 or (same is not None and bool(same.all())):
        return embedded(learner.encoder, one).sum(dim=1) * 0
    if isinstance(learner.encoder, StaticEncoder):
        one, other = (_thinned(it, spec.left_out, generator) for it in (one, other))
    left, right = (embedded(learner.encoder, it) for it in (one, other))
    loss = translations.contrast(left, right, spec.temperature, same, spec.margin)
    return loss.expand(len(texts))


def switched(
    spec: Encoders,
    learner: Learner,
    switcher: Switcher,
    rows: Tensor,
    generator: np.random.Generator,
) -> Tensor:
    """How badly texts are told from others of their batch by themselves in another language.

    Args:
        spec: Temperature and margin, and how many pieces are left out.
        learner: Its encoder is a static one.
        switcher: The texts.
        rows: Of the batch, shape (batch,).
        generator: Draws words in other languages, and pieces.

    Returns:
        Shape (batch,), the same mean at each place; 0 of a batch without two texts to compare.

    Source:
        US20220019743A1 (S8): docs/systems/s8.md.
    """
    sides = switcher.drawn(rows.numpy(), generator)
    first, second = (torch.as_tensor(_numbers_of(it)) for it in sides)
    left, right = (
        learner.encoder(*static.tensors(it.thinned(spec.left_out, generator))) for it in sides
    )
    same = translations.same_texts(first, second)
    if len(first) < _FEWEST or (same is not None and bool(same.all())):
        nothing: Tensor = left.sum() * torch.zeros(len(rows))
        return nothing
    loss = translations.contrast(left, right, spec.temperature, same, spec.margin)
    return loss.expand(len(rows))


def _thinned(texts: Tensor, share: float, generator: np.random.Generator) -> Tensor:
    # Leaves pieces out by chance; a text that would lose all its pieces keeps them.
    present = texts != NO_PIECE
    kept = present & torch.as_tensor(generator.random(tuple(texts.shape)) >= share)
    kept |= ~kept.any(dim=1, keepdim=True)
    return texts.masked_fill(~kept, NO_PIECE)


def _numbers_of(tokens: Tokens) -> Integers:
    # A number of each text: equal texts have equal ones.
    known = dict[bytes, int]()
    ends = zip(tokens.starts[:-1].tolist(), tokens.starts[1:].tolist(), strict=True)
    return np.array(
        [known.setdefault(tokens.ids[it:end].tobytes(), len(known)) for it, end in ends], np.int64
    )


def _numbers(texts: Tensor) -> Tensor:
    # A number of each text: equal texts have equal ones.
    _, found = np.unique(texts.numpy(), axis=0, return_inverse=True)
    return torch.as_tensor(found.ravel())


def embedded(encoder: nn.Module, texts: Tensor) -> Tensor:
    """Embed texts in one language.

    Args:
        encoder: Of texts.
        texts: Shape (batch, places).

    Returns:
        Shape (batch, size).
    """
    inputs: tuple[Tensor, ...] = (texts,)
    if isinstance(encoder, StaticEncoder):
        present = texts != NO_PIECE
        inputs = (texts[present], functional.pad(present.sum(dim=1).cumsum(0), (1, 0)))
    found: Tensor = encoder(*inputs)
    return found


def view(network: Network, inputs: Tensor, share: float, generator: np.random.Generator) -> Tensor:
    """Samples changed by chance, but not beyond recognition.

    Masked columns of a row get the values of another row of the batch (Bahri et al. 2022, ICLR,
    SCARF), images are turned, moved and masked in part, bytes of a text are masked.

    Args:
        network: What the samples are.
        inputs: As the network takes them in.
        share: Of the parts that are masked, each by chance.
        generator: Draws them.

    Returns:
        As the network takes them in.
    """
    chosen = _chosen(network, inputs, share, generator)
    match network:
        case Tabular():
            others = torch.tensor(generator.permuted(np.indices(inputs.shape)[0], axis=0))
            return torch.where(chosen, inputs.gather(0, others), inputs)
        case Image():
            return _masked(network, _moved(inputs, generator), chosen)
        case Text():
            return _masked(network, inputs, chosen)


def _chosen(
    network: Network, inputs: Tensor, share: float, generator: np.random.Generator
) -> Tensor:
    """True where a column, a pixel or a byte is masked."""
    if isinstance(network, Image):
        grid = Grid(network)
        return grid.spread(torch.tensor(generator.random((len(inputs), grid.places)) < share))
    chosen = torch.tensor(generator.random(tuple(inputs.shape)) < share)
    return chosen & (inputs < BYTES) if isinstance(network, Text) else chosen


def _masked(network: Network, inputs: Tensor, chosen: Tensor) -> Tensor:
    match network:
        case Tabular():
            return inputs.masked_fill(chosen, 0)  # their mean
        case Image():
            return torch.where(chosen, inputs.mean(dim=(1, 2, 3), keepdim=True), inputs)
        case Text():
            return inputs.masked_fill(chosen, MASK)


def _places(learner: Learner, numbers: Tensor) -> Tensor:
    encoder = learner.encoder
    assert isinstance(encoder, TextEncoder)  # noqa: S101 - the encoder of the network `Text`
    return encoder.places(numbers)


def _byte_errors(logits: Tensor, numbers: Tensor, chosen: Tensor) -> Tensor:
    due = numbers.masked_fill(~chosen, 0)  # what is no byte cannot be guessed, and is not counted
    return functional.cross_entropy(logits.transpose(1, 2), due, reduction="none")


def _moved(images: Tensor, generator: np.random.Generator) -> Tensor:
    turn, right, down, zoom = torch.tensor(
        generator.uniform(-1, 1, (4, len(images))), dtype=images.dtype
    )
    scale, angle = 1 + _ZOOM * zoom, _TURN * turn
    ratio = images.shape[2] / images.shape[3]
    across, along = scale * torch.cos(angle), scale * torch.sin(angle)
    rows = [
        torch.stack([across, -along * ratio, _SHIFT * right], dim=1),
        torch.stack([along / ratio, across, _SHIFT * down], dim=1),
    ]
    grid = functional.affine_grid(torch.stack(rows, dim=1), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)
