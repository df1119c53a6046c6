import numpy as np
import onnxruntime
import pytest
import torch

from isthmus.multitask.network import networks
from isthmus.multitask.network.to_onnx import to_onnx
from isthmus.multitask.spec import Amount, Identifier, Multitask, Task


@pytest.mark.parametrize(
    "settings", [{"model": "dcn", "sharing": "mmoe"}, {"model": "mlp", "negatives": 0.5}]
)
def test_predicts_like_the_network_for_any_number_of_samples(settings: dict[str, object]) -> None:
    spec = Multitask(
        features={"user": Identifier(), "price": Amount(), "item": Identifier()},
        tasks={"click": Task(label="click")},
        dimension=3,
        hidden=(4,),
        **settings,  # type: ignore[arg-type]
    )
    network = networks.Network(spec)
    networks.draw(network, np.random.default_rng(3))
    predictor = networks.Predictor(spec, network)
    content = to_onnx(predictor, (2, 3, 1))
    session = onnxruntime.InferenceSession(content)
    generator = np.random.default_rng(4)
    for samples in (1, 2, 7):
        vectors = generator.normal(size=(samples, 2, 3)).astype(np.float32)
        numbers = generator.normal(size=(samples, 1)).astype(np.float32)
        (found,) = session.run(["probabilities"], {"vectors": vectors, "numbers": numbers})
        with torch.no_grad():
            due = predictor(torch.tensor(vectors), torch.tensor(numbers))
        np.testing.assert_allclose(found, due.numpy(), atol=1e-6)
