"""A model in a folder: `model.safetensors`, `head.safetensors` where there is one, `config.json`.

The encoder is an ordinary `state_dict`:

    config = json.loads(Path("network/config.json").read_text())
    module = build.encoder(msgspec.convert(config["network"], Network))
    module.load_state_dict(safetensors.torch.load_file("network/model.safetensors"))
"""

from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as tensors
from torch import nn

from isthmus.core.broken import fault
from isthmus.core.errors import SpecError
from isthmus.horizontal.encoders.model import Model, encoder
from isthmus.horizontal.encoders.scaling import Scaling
from isthmus.horizontal.parameters import Parameters, digest, finite, single
from isthmus.nn.spec import Network
from isthmus.store import atomic

_ENCODER, _HEAD, _CONFIG = "model.safetensors", "head.safetensors", "config.json"


class _Scaling(msgspec.Struct, frozen=True):
    mean: list[float]
    deviation: list[float]
    least: list[float] | None = None
    most: list[float] | None = None


class _Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    network: Network
    digest: str
    """SHA-256 of the encoder."""

    scaling: _Scaling | None = None
    classes: tuple[str, ...] = ()
    head_digest: str = ""
    format: Literal[1] = 1


def save(folder: Path, model: Model) -> None:
    """Write a model to a folder.

    Args:
        folder: It is created if needed, and a model in it is replaced.
        model: The model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    atomic.write(folder / _ENCODER, tensors.save(model.encoder))
    if model.head:
        atomic.write(folder / _HEAD, tensors.save(model.head))
    config = _Config(
        network=model.network,
        digest=digest(model.encoder),
        scaling=_written(model.scaling),
        classes=model.classes,
        head_digest=digest(model.head) if model.head else "",
    )
    text = msgspec.json.format(msgspec.json.encode(config), indent=2)
    atomic.write(folder / _CONFIG, text + b"\n")


def read(folder: Path) -> Model:
    """Read a model from a folder; no code in it is run.

    Args:
        folder: Where `save` wrote it.

    Returns:
        The model.

    Raises:
        SpecError: A file is missing or broken, or was changed after it was written.
    """
    path = folder / _CONFIG
    try:
        config = msgspec.json.decode(path.read_bytes(), type=_Config)
    except (OSError, msgspec.DecodeError) as error:
        raise SpecError(
            f"{path}: is not the description of a model: {fault(error)}. Give the folder "
            "`network` of a run."
        ) from None
    head = _parameters(folder / _HEAD, config.head_digest) if config.head_digest else {}
    found = _parameters(folder / _ENCODER, config.digest)
    return Model(config.network, found, _read(config.scaling), config.classes, head)


def load_module(folder: Path) -> nn.Module:
    """Read the encoder in a folder as a module of PyTorch.

    Args:
        folder: Where `save` wrote it.

    Returns:
        From inputs, as `to_inputs` returns them, to embeddings of shape (batch, size).

    Raises:
        SpecError: A file is missing or broken, or was changed after it was written.
    """
    return encoder(read(folder))


def _parameters(path: Path, due: str) -> Parameters:
    try:
        found = tensors.load(path.read_bytes())
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise SpecError(f"{path}: is no whole model: {fault(error)}. Copy it again.") from None
    alien = any(it.dtype != np.float32 for it in found.values())
    if alien or not finite(found) or digest(found) != due:
        raise SpecError(
            f"{path}: does not have the digest that {_CONFIG} beside it names: one of them was "
            "changed or is of another model. Copy both again."
        )
    return found


def _written(scaling: Scaling | None) -> _Scaling | None:
    if scaling is None:
        return None
    least, most = (None if it is None else it.tolist() for it in (scaling.least, scaling.most))
    return _Scaling(scaling.mean.tolist(), scaling.deviation.tolist(), least, most)


def _read(scaling: _Scaling | None) -> Scaling | None:
    if scaling is None:
        return None
    mean, deviation = (single(np.array(it)) for it in (scaling.mean, scaling.deviation))
    bounds = (scaling.least, scaling.most)
    least, most = (None if it is None else single(np.array(it)) for it in bounds)
    return Scaling(mean, deviation, least, most)
