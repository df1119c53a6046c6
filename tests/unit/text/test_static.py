import numpy as np
import pytest
import torch

from isthmus.text.static import StaticEncoder, embed, tensors
from isthmus.text.tokens import Tokens

TOKENS = Tokens(np.array([0, 1, 1, 2], np.int32), np.array([0, 2, 2, 4]))
"""Three texts; the second is empty."""


def encoder(weights: list[float] | None = None) -> StaticEncoder:
    made = StaticEncoder(4, 3)
    made.begin(np.random.default_rng(0))
    if weights:
        made.log_weights.data.copy_(torch.tensor(weights).log())
    return made


class TestStaticEncoder:
    def test_sums_the_weighted_vectors_of_pieces(self) -> None:
        made = encoder([1.0, 2.0, 3.0, 4.0])
        table = made.table.detach()
        due = torch.stack([table[0] + 2 * table[1], torch.zeros(3), 2 * table[1] + 3 * table[2]])
        torch.testing.assert_close(made(*tensors(TOKENS)), due)

    def test_learns_vectors_and_weights_of_the_pieces_it_saw(self) -> None:
        made = encoder()
        made(*tensors(TOKENS)).square().sum().backward()
        for parameter in (made.table, made.log_weights):
            assert parameter.grad is not None
            touched = parameter.grad.reshape(4, -1).abs().amax(1) > 0
            assert touched.tolist() == [True, True, True, False]

    def test_gradients_are_those_of_finite_differences(self) -> None:
        made = encoder([1.0, 2.0, 3.0, 4.0]).double()
        ids, starts = tensors(TOKENS)

        def forward(table: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
            parameters = {"table": table, "log_weights": weights}
            found: torch.Tensor = torch.func.functional_call(made, parameters, (ids, starts))
            return found

        assert torch.autograd.gradcheck(forward, (made.table, made.log_weights))

    def test_begins_alike_from_the_same_generator_whatever_else_is_drawn(self) -> None:
        first = encoder()
        torch.rand(3)
        assert torch.equal(first.table, encoder().table)
        assert not torch.equal(first.table[0], first.table[1])

    def test_common_pieces_begin_with_less_weight(self) -> None:
        made = encoder()
        assert not made.log_weights.any()
        table = made.table.detach().clone()
        made.begin(np.random.default_rng(0), np.array([999, 1, 0, 0]))
        assert made.log_weights.exp().tolist() == pytest.approx([1 / 1000, 1 / 2, 1, 1])
        assert torch.equal(made.table, table)

    def test_folds_its_weights_in(self) -> None:
        made = encoder([1.0, 2.0, 3.0, 4.0])
        torch.testing.assert_close(made.folded()[2], 3 * made.table.detach()[2])
        assert not made.folded().requires_grad


class TestEmbed:
    def test_vectors_have_length_one_and_those_of_empty_texts_none(self) -> None:
        lengths = np.linalg.norm(embed(encoder(), TOKENS), axis=1)
        assert lengths == pytest.approx([1, 0, 1], abs=1e-6)

    def test_folded_vectors_give_the_same(self) -> None:
        made = encoder([1.0, 2.0, 3.0, 4.0])
        assert np.array_equal(embed(made, TOKENS), embed(made.folded(), TOKENS))

    def test_a_text_has_the_same_vector_whatever_stands_beside_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = embed(encoder(), TOKENS)
        monkeypatch.setattr("isthmus.text.static._BLOCK", 2)
        assert np.array_equal(embed(encoder(), TOKENS), whole)

    def test_of_no_texts_are_no_vectors(self) -> None:
        none = Tokens(np.zeros(0, np.int32), np.zeros(1, np.int64))
        assert embed(encoder(), none).shape == (0, 3)
