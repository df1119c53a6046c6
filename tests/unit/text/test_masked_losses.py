"""Losses of masked pieces."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from isthmus.text import masked_losses, masking
from isthmus.text.masked_losses import Prediction
from isthmus.text.masking import Masked
from isthmus.text.modern_bert import Transformer
from isthmus.text.packing import Packed, surrounded
from isthmus.text.tokens import Tokens
from tests.unit.text.small_transformers import PIECES, SPECIALS, texts, transformer


def learned(
    made: Transformer, loss: Callable[[Transformer, Packed, Masked], Prediction], steps: int = 25
) -> Prediction:
    """The last prediction after some steps on the same pairs, the second text as the first."""
    one = texts(*[6] * 8)
    pairs = Tokens.joined([one, one]).take(np.arange(16).reshape(2, -1).T.reshape(-1))
    packed = made.packed(pairs, together=2)
    optimizer = torch.optim.Adam(made.parameters(), 0.01)
    for step in range(steps):
        masked = masking.hidden(packed, SPECIALS, np.random.default_rng(step % 4))
        found = loss(made, packed, masked)
        optimizer.zero_grad()
        found.loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return found


class TestPieces:
    @pytest.mark.parametrize("name", ["mlm", "tlm", "camlm"])
    def test_are_learned(self, name: str) -> None:
        made = transformer(layers=1)
        first = learned(made, getattr(masked_losses, name), steps=1)
        last = learned(made, getattr(masked_losses, name))
        assert first.loss.item() == pytest.approx(np.log(PIECES), rel=0.1)
        assert last.loss.item() < 0.7 * first.loss.item()

    def test_are_predicted_only_where_they_are_masked(self) -> None:
        made = transformer(layers=1)
        packed = made.packed(texts(8))
        chosen = np.zeros_like(packed.present)
        chosen[0, 3] = True
        found = masked_losses.mlm(made, packed, Masked(packed.ids, chosen))
        assert found.places == 1
        places = made.places(packed, packed.texts[:, :, None] == packed.texts[:, None, :])
        logits = made.network.decoder(made.network.head(places))[0, 3]
        expected = -logits.log_softmax(-1)[packed.ids[0, 3]]
        assert found.loss.item() == pytest.approx(expected.item(), abs=1e-5)


class TestSight:
    def test_mlm_does_not_see_the_other_text_and_tlm_does(self) -> None:
        made = transformer(layers=1)
        packed = made.packed(texts(8, 8), together=2)
        masked = masking.hidden(packed, SPECIALS, np.random.default_rng(0))
        masked = masked._replace(chosen=masked.chosen & (packed.texts == 0))
        ids = np.where((packed.texts == 1) & (packed.ids > SPECIALS.mask), 5, masked.ids)
        for loss, same in ((masked_losses.mlm, True), (masked_losses.tlm, False)):
            before = loss(made, packed, masked).loss.item()
            after = loss(made, packed, masked._replace(ids=ids)).loss.item()
            assert (before == after) is same


def pseudo(made: Transformer, shares: torch.Tensor) -> tuple[Packed, Packed]:
    around = surrounded(texts(10, 6), SPECIALS.start, SPECIALS.end)
    packed = masking.with_placeholders(around, SPECIALS, np.random.default_rng(0))
    return packed, masked_losses.pseudo_pieces(made, packed, shares, np.array([0, 1]))


class TestPseudoPieces:
    def test_are_of_the_other_language(self) -> None:
        shares = torch.full((2, PIECES), -100.0)
        shares[0, 50:60] = 0
        shares[1, 80:90] = 0
        packed, made = pseudo(transformer(), shares)
        assert (made.ids[packed.texts == 0] == packed.ids[packed.texts == 0]).all()
        assert np.isin(made.ids[packed.texts == 1], np.arange(50, 60)).all()
        assert np.isin(made.ids[packed.texts == 3], np.arange(80, 90)).all()

    def test_are_never_special(self) -> None:
        shares = torch.full((2, PIECES), -100.0)
        shares[:, : max(SPECIALS) + 1] = 0
        packed, made = pseudo(transformer(), shares)
        found = made.ids[masking.placeholders(packed)]
        assert not np.isin(found, np.array(SPECIALS)).any()

    def test_help_to_predict_the_text(self) -> None:
        network = transformer()
        packed, made = pseudo(network, torch.zeros(2, PIECES))
        among = made.present & ~masking.placeholders(packed)
        masked = masking.masked(made, SPECIALS, PIECES, np.random.default_rng(0), among)
        found = masked_losses.btmlm(network, made, masked)
        found.loss.backward()  # type: ignore[no-untyped-call]
        assert found.places == masked.chosen.sum()
        assert network.table.grad is not None
        other = masked._replace(ids=np.where(masking.placeholders(packed), 5, masked.ids))
        assert masked_losses.btmlm(network, made, other).loss.item() != found.loss.item()


class TestDistillation:
    def test_is_nothing_between_equal_vectors(self) -> None:
        vectors = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 4)))
        assert masked_losses.distillation(3 * vectors, vectors).item() == pytest.approx(0, abs=1e-9)

    def test_compares_cosines_where_sizes_differ(self) -> None:
        vectors = torch.from_numpy(np.random.default_rng(0).normal(size=(5, 4)))
        wider = torch.cat([vectors, torch.zeros(5, 3, dtype=vectors.dtype)], dim=1)
        assert masked_losses.distillation(wider, vectors).item() == pytest.approx(0, abs=1e-9)
        assert masked_losses.distillation(wider.roll(1, 0), vectors).item() > 0.01
