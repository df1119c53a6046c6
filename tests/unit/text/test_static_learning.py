import numpy as np
import pytest
import torch
from torch import Tensor

from isthmus.text import static_learning
from isthmus.text.static import StaticEncoder, tensors
from isthmus.text.static_learning import Learning
from isthmus.text.tokens import Tokens

PIECES = 7
TOKENS = Tokens(np.array([5, 1, 1, 2, 5, 6], np.int32), np.array([0, 2, 2, 4, 6]))
"""Four texts; the second is empty, the third has a piece twice."""

OTHERS = Tokens(np.array([0, 5], np.int32), np.array([0, 1, 2]))


def encoder() -> StaticEncoder:
    made = StaticEncoder(PIECES, 3)
    made.begin(np.random.default_rng(0), np.arange(PIECES))
    return made


def loss(vectors: Tensor) -> Tensor:
    return (vectors.sum(dim=1) ** 3 + vectors[:, 0]).sum()


def gradients(made: StaticEncoder) -> list[Tensor]:
    found = [each.grad.clone() for each in (made.table, made.log_weights) if each.grad is not None]
    assert len(found) == 2
    return found


def by_autograd(*texts: Tokens) -> list[Tensor]:
    made = encoder()
    for each in texts:
        loss(made(*tensors(each))).backward()  # type: ignore[no-untyped-call]
    return gradients(made)


class TestLearning:
    def test_embeds_as_the_encoder_does(self) -> None:
        made = encoder()
        assert torch.equal(Learning(made).vectors(TOKENS), made(*tensors(TOKENS)))

    @pytest.mark.parametrize("rows", [2, 100])
    def test_leaves_the_gradient_that_autograd_finds(
        self, monkeypatch: pytest.MonkeyPatch, rows: int
    ) -> None:
        monkeypatch.setattr(static_learning, "_ROWS", rows)
        made = encoder()
        loss(Learning(made).vectors(TOKENS)).backward()  # type: ignore[no-untyped-call]
        torch.testing.assert_close(gradients(made), by_autograd(TOKENS))

    def test_adds_to_a_gradient_that_is_there(self) -> None:
        made = encoder()
        learning = Learning(made)
        for each in (TOKENS, OTHERS):
            loss(learning.vectors(each)).backward()  # type: ignore[no-untyped-call]
        torch.testing.assert_close(gradients(made), by_autograd(TOKENS, OTHERS))

    def test_keeps_nothing_of_the_step_before(self) -> None:
        made = encoder()
        learning = Learning(made)
        for each in (TOKENS, OTHERS):
            made.zero_grad()
            loss(learning.vectors(each)).backward()  # type: ignore[no-untyped-call]
        torch.testing.assert_close(gradients(made), by_autograd(OTHERS))

    def test_takes_vocabularies_beyond_16_bits(self) -> None:
        made = StaticEncoder(2**16 + 2, 1)
        made.begin(np.random.default_rng(0))
        tokens = Tokens(np.array([2**16 + 1, 1], np.int32), np.array([0, 2]))
        Learning(made).vectors(tokens).sum().backward()  # type: ignore[no-untyped-call]
        table, _ = gradients(made)
        assert table.nonzero()[:, 0].tolist() == [1, 2**16 + 1]
