import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from isthmus.core.errors import SpecError
from isthmus.text.contrast import cached, contrast, matryoshka, same_texts
from isthmus.text.static import StaticEncoder

TEMPERATURE = 0.1


def drawn(texts: int = 6, seed: int = 0) -> Tensor:
    numbers = np.random.default_rng(seed).standard_normal((texts, 4))
    return torch.tensor(numbers, requires_grad=True)


def by_definition(
    left: Tensor, right: Tensor, same: Tensor | None = None, margin: float = 0
) -> float:
    """The loss text by text."""
    ours, theirs = (it.detach() / it.detach().norm(dim=1, keepdim=True) for it in (left, right))
    cosines = ours @ theirs.T - margin * torch.eye(len(ours))
    losses: list[float] = []
    for scores, excluded in ((cosines, same), (cosines.T, None if same is None else same.T)):
        for row in range(len(scores)):
            others = [
                column
                for column in range(len(scores))
                if column == row or excluded is None or not excluded[row, column]
            ]
            odds = (scores[row] / TEMPERATURE).exp()
            losses.append(-float((odds[row] / odds[others].sum()).log()))
    return float(np.mean(losses))


def gradients(loss: Tensor, *inputs: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, inputs))


SAME = same_texts(torch.tensor([1, 2, 3, 1, 5, 6]), torch.tensor([1, 2, 3, 4, 5, 2]))


class TestContrast:
    def test_is_the_mean_loss_of_finding_each_translation_and_each_text(self) -> None:
        left, right = drawn(seed=1), drawn(seed=2)
        found = contrast(left, right, TEMPERATURE)
        assert found.item() == pytest.approx(by_definition(left, right))

    def test_leaves_out_false_negatives(self) -> None:
        left, right = drawn(seed=1), drawn(seed=2)
        found = contrast(left, right, TEMPERATURE, SAME)
        assert found.item() == pytest.approx(by_definition(left, right, SAME))
        assert found.item() < contrast(left, right, TEMPERATURE).item()

    def test_asks_for_a_margin(self) -> None:
        left, right = drawn(seed=1), drawn(seed=2)
        found = contrast(left, right, TEMPERATURE, SAME, 0.2)
        assert found.item() == pytest.approx(by_definition(left, right, SAME, 0.2))

    def test_has_the_gradient_of_finite_differences(self) -> None:
        inputs = (drawn(seed=1), drawn(seed=2))
        assert torch.autograd.gradcheck(lambda x, y: contrast(x, y, TEMPERATURE, SAME, 0.2), inputs)

    @pytest.mark.parametrize("temperature", [0.5, 0.02, 0.01])
    def test_is_what_pytorch_derives_from_cross_entropies(self, temperature: float) -> None:
        left, right = drawn(seed=1), drawn(seed=2)
        scores = functional.normalize(left, dim=1) @ functional.normalize(right, dim=1).T
        scores = (scores - 0.2 * torch.eye(len(left))) / temperature
        answers = torch.arange(len(left))
        due = sum(functional.cross_entropy(each, answers) / 2 for each in (scores, scores.T))
        assert isinstance(due, Tensor)
        found = contrast(left, right, temperature, margin=0.2)
        torch.testing.assert_close(found, due)
        torch.testing.assert_close(gradients(found, left, right), gradients(due, left, right))

    def test_of_a_very_low_temperature_is_a_number(self) -> None:
        left, right = (drawn(seed=seed).detach().float().requires_grad_() for seed in (1, 2))
        found = contrast(left, right, 1e-4, margin=0.2)
        assert all(bool(it.isfinite().all()) for it in (found, *gradients(found, left, right)))

    @pytest.mark.parametrize("temperature", [TEMPERATURE, 0.01])
    @pytest.mark.parametrize("same", [None, SAME], ids=["all differ", "some are the same"])
    def test_of_a_large_batch_is_computed_in_parts(
        self, monkeypatch: pytest.MonkeyPatch, same: Tensor | None, temperature: float
    ) -> None:
        left, right = drawn(seed=1), drawn(seed=2)
        whole = contrast(left, right, temperature, same, 0.2)
        due = gradients(whole, left, right)
        monkeypatch.setattr("isthmus.text.contrast._ROWS", 4)
        parts = contrast(left, right, temperature, same, 0.2)
        torch.testing.assert_close(parts, whole)
        torch.testing.assert_close(gradients(parts, left, right), due)

    @pytest.mark.parametrize("texts", [0, 1])
    def test_of_a_batch_without_wrong_answers_is_refused(self, texts: int) -> None:
        with pytest.raises(SpecError, match="no wrong answers"):
            contrast(drawn(texts), drawn(texts), TEMPERATURE)

    def test_of_a_batch_of_one_text_again_and_again_is_refused(self) -> None:
        same = same_texts(torch.ones(3), torch.arange(3))
        with pytest.raises(SpecError, match="batch of 3 texts"):
            contrast(drawn(3), drawn(3), TEMPERATURE, same)


class TestSameTexts:
    def test_are_those_whose_text_or_translation_occurs_again(self) -> None:
        assert SAME is not None
        beside = SAME & ~torch.eye(6, dtype=torch.bool)
        assert beside.nonzero().tolist() == [[0, 3], [1, 5], [3, 0], [5, 1]]

    def test_are_none_if_all_differ(self) -> None:
        assert same_texts(torch.arange(4), torch.arange(4)) is None


class TestMatryoshka:
    def test_is_the_mean_over_beginnings_and_the_whole(self) -> None:
        left, right = drawn(seed=1), drawn(seed=2)
        losses = [by_definition(left[:, :size], right[:, :size]) for size in (2, 3, 4)]

        def loss(ours: Tensor, theirs: Tensor) -> Tensor:
            return contrast(ours, theirs, TEMPERATURE)

        found = matryoshka(loss, left, right, [3, 2])
        assert found.item() == pytest.approx(np.mean(losses))
        assert matryoshka(loss, left, right, []).item() == pytest.approx(losses[-1])


class TestCached:
    def test_gives_the_gradient_of_the_whole_batch(self) -> None:
        encoder = StaticEncoder(20, 8)
        encoder.begin(np.random.default_rng(0))
        texts = torch.tensor(np.random.default_rng(1).integers(20, size=(12, 5)))
        parameters = tuple(encoder.parameters())

        def encode(part: Tensor) -> Tensor:
            starts = torch.arange(0, part.numel() + 1, part.shape[1])
            embeddings: Tensor = encoder(part.flatten(), starts)
            return embeddings

        def loss(embeddings: Tensor) -> Tensor:
            return contrast(embeddings[:6], embeddings[6:], TEMPERATURE)

        whole = loss(encode(texts))
        parts = loss(cached(encode, [texts[:5], texts[5:10], texts[10:]]))
        torch.testing.assert_close(parts, whole, rtol=0, atol=1e-6)
        due = gradients(whole, *parameters)
        torch.testing.assert_close(gradients(parts, *parameters), due, rtol=0, atol=1e-5)

    def test_keeps_nothing_of_a_part_but_its_embeddings(self) -> None:
        kept: list[int] = []

        def pack(tensor: Tensor) -> Tensor:
            kept.append(tensor.numel())
            return tensor

        wide = torch.ones(4, 1000, requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            cached(lambda factor: (wide * factor).exp().sin().sum(1, keepdim=True), [1, 2])
        assert sum(kept) < wide.numel()
