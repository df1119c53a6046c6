"""The door to ONNX: the layers of a model as an ONNX file."""
# onnxscript and onnxruntime have no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

import logging
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import onnx
import onnxruntime
import torch
from onnxscript import ir
from torch import Tensor

from isthmus.multitask.network.networks import Predictor

VECTORS, NUMBERS = "vectors", "numbers"
"""Names of the inputs."""

PROBABILITIES = "probabilities"
"""Name of the output."""

_LOGGER = "torch.onnx"
_TOLERANCE = 1e-5


def to_onnx(predictor: Predictor, shape: tuple[int, int, int]) -> bytes:
    """Make an ONNX file of a model.

    Args:
        predictor: Its layers.
        shape: Number of vectors of a sample, of numbers of a vector, and of amounts.

    Returns:
        The content of the file. It has the inputs `vectors`, shape (batch, vectors, numbers of a
        vector), and `numbers`, shape (batch, amounts), and the output `probabilities`, shape
        (batch, tasks).
    """
    vectors, width, amounts = shape
    example: tuple[Tensor, Tensor] = (torch.zeros(2, vectors, width), torch.zeros(2, amounts))
    batch = torch.export.Dim("batch")
    with _quiet(), torch.no_grad():
        program = torch.onnx.export(
            predictor.eval(),
            example,
            dynamo=True,
            dynamic_shapes=({0: batch}, {0: batch}),
            input_names=[VECTORS, NUMBERS],
            output_names=[PROBABILITIES],
            external_data=False,
            verbose=False,
        )
    content = _without_traces(cast(Any, program).model)
    _check(content, predictor, shape)
    return content


def _without_traces(model: Any) -> bytes:
    # The exporter notes lines of code and paths of this machine beside every node.
    graph = model.graph
    values = [*graph.inputs, *(value for node in graph for value in node.outputs)]
    for part in (model, graph, *graph, *values, *graph.initializers.values()):
        part.metadata_props.clear()
    for node in graph:
        node.doc_string = None
    content: bytes = ir.to_proto(model).SerializeToString(deterministic=True)
    return content


def _check(content: bytes, predictor: Predictor, shape: tuple[int, int, int]) -> None:
    vectors, width, amounts = shape
    generator = np.random.default_rng(0)
    inputs = {
        VECTORS: generator.normal(size=(3, vectors, width)).astype(np.float32),
        NUMBERS: generator.normal(size=(3, amounts)).astype(np.float32),
    }
    onnx.checker.check_model(content)
    session = cast(Any, onnxruntime.InferenceSession(content))
    (found,) = session.run([PROBABILITIES], inputs)
    with torch.no_grad():
        due = predictor(*(torch.tensor(it) for it in inputs.values())).numpy()
    if not np.allclose(found, due, rtol=0, atol=_TOLERANCE):
        raise RuntimeError("the ONNX file predicts something else than the model")


@contextmanager
def _quiet() -> Generator[None]:
    """Keep what the exporter says about libraries that it lacks from the user."""
    logger = logging.getLogger(_LOGGER)
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
