"""The door to ONNX of encoders: a static encoder as an ONNX file."""
# onnxruntime has no types, and those of onnx are partial:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from typing import Any, cast

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from isthmus.core.errors import SpecError
from isthmus.text.static import embed
from isthmus.text.tokens import Tokens

IDS, MASK, VECTORS = "input_ids", "attention_mask", "sentence_embedding"
"""Names of the inputs and of the output, as sentence-transformers calls them."""

_OPSET, _IR = 18, 9
_MOST_BYTES = 2**31 - 2**20  # of a file of this kind, and room for what is not the table
_SHORTEST = 1e-12  # vectors are not divided by less
_TOLERANCE = 1e-5


def static_to_onnx(table: Tensor) -> bytes:
    """Make an ONNX file of a static encoder.

    Args:
        table: The vectors of the pieces times their weights, shape (pieces, size).

    Returns:
        The content of the file. It has the inputs `input_ids`, the pieces of texts without special
        ones, shape (texts, places), and `attention_mask`, 1 where there is a piece and 0 where
        there is none; and the output `sentence_embedding`, vectors of length 1, shape (texts,
        size).

    Raises:
        SpecError: The table is too large for one file.
    """
    values: NDArray[np.float32] = table.detach().float().numpy()
    if values.nbytes > _MOST_BYTES:
        raise SpecError(
            f"the table of the encoder has {values.nbytes:,} bytes, and an ONNX file has room for "
            f"{_MOST_BYTES:,}. Use `model.safetensors`."
        )
    model = helper.make_model(
        _graph(values),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR,
        producer_name="isthmus",
    )
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString(deterministic=True)
    _check(content, table)
    return content


def _graph(table: NDArray[np.float32]) -> onnx.GraphProto:
    last, shortest = np.array([-1], np.int64), np.array(_SHORTEST, np.float32)
    places = np.array([1], np.int64)
    constants: dict[str, NDArray[Any]] = {
        "table": table,
        "last": last,
        "places": places,
        "shortest": shortest,
    }
    nodes = [
        helper.make_node("Gather", ["table", IDS], ["rows"]),
        helper.make_node("Cast", [MASK], ["present"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["present", "last"], ["weights"]),
        helper.make_node("Mul", ["rows", "weights"], ["counted"]),
        helper.make_node("ReduceSum", ["counted", "places"], ["sums"], keepdims=0),
        helper.make_node("ReduceL2", ["sums", "last"], ["lengths"], keepdims=1),
        helper.make_node("Max", ["lengths", "shortest"], ["divisors"]),
        helper.make_node("Div", ["sums", "divisors"], [VECTORS]),
    ]
    texts = ["texts", "places"]
    return helper.make_graph(
        nodes,
        "static_encoder",
        [helper.make_tensor_value_info(it, TensorProto.INT64, texts) for it in (IDS, MASK)],
        [helper.make_tensor_value_info(VECTORS, TensorProto.FLOAT, ["texts", table.shape[1]])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )


def _check(content: bytes, table: Tensor) -> None:
    ids = np.random.default_rng(0).integers(len(table), size=(3, 4))
    mask = np.array([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]])
    session = cast(Any, onnxruntime.InferenceSession(content))
    (found,) = session.run([VECTORS], {IDS: ids, MASK: mask})
    tokens = Tokens(ids[mask > 0].astype(np.int32), np.array([0, 4, 6, 6]))
    if not np.allclose(found, embed(table, tokens), rtol=0, atol=_TOLERANCE):
        raise RuntimeError("the ONNX file gives other vectors than the encoder")
