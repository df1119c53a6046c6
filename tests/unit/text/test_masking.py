"""What is masked, and who sees whom then."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from isthmus.core import seeds
from isthmus.text import masking
from isthmus.text.masking import Masked
from isthmus.text.packing import Packed, same_group, same_text, surrounded
from tests.unit.text.small_transformers import PIECES, SPECIALS, texts, transformer


def pairs(*lengths: int, seed: int = 0) -> Packed:
    return transformer(layers=1).packed(texts(*lengths, seed=seed), together=2)


class TestMasked:
    def test_follows_from_the_generator_alone(self) -> None:
        packed = pairs(20, 30)
        first, again, other = (
            masking.masked(packed, SPECIALS, PIECES, seeds.generator(1, "mlm", step))
            for step in ("0", "0", "1")
        )
        assert (first.ids == again.ids).all()
        assert (first.chosen != other.chosen).any()

    def test_shares_are_those_of_bert(self) -> None:
        packed = pairs(*[40] * 200)
        made = masking.masked(packed, SPECIALS, PIECES, np.random.default_rng(0))
        assert abs(made.chosen.sum() / (200 * 40) - 0.15) < 0.01
        read = made.ids[made.chosen]
        assert abs((read == SPECIALS.mask).mean() - 0.8) < 0.03
        assert abs((read == packed.ids[made.chosen]).mean() - 0.1) < 0.03
        assert not np.isin(read[read != SPECIALS.mask], np.array(SPECIALS)).any()

    @given(st.integers(0, 100))
    def test_special_pieces_and_padding_stay(self, seed: int) -> None:
        packed = pairs(5, 5)
        made = masking.masked(packed, SPECIALS, PIECES, np.random.default_rng(seed))
        assert not np.isin(packed.ids[made.chosen], np.array(SPECIALS)).any()
        assert (made.ids[~made.chosen] == packed.ids[~made.chosen]).all()

    @given(st.integers(0, 100))
    def test_something_is_masked_of_the_shortest_batch(self, seed: int) -> None:
        made = masking.hidden(pairs(1, 1), SPECIALS, np.random.default_rng(seed))
        assert made.chosen.any()
        assert (made.ids[made.chosen] == SPECIALS.mask).all()

    def test_nothing_is_masked_of_empty_texts(self) -> None:
        assert not masking.hidden(pairs(0, 0), SPECIALS, np.random.default_rng(0)).chosen.any()

    def test_is_masked_only_among_the_places_that_are_named(self) -> None:
        packed = pairs(20, 20)
        among = masking.placeholders(packed)
        made = masking.masked(packed, SPECIALS, PIECES, np.random.default_rng(0), among)
        assert made.chosen[among].any()
        assert not made.chosen[~among].any()


def felt_by_masked(packed: Packed, made: Masked) -> NDArray[np.float64]:
    """Of each place, by how much what stands at masked places of the first text follows it."""
    network = transformer(layers=4).network.model.double()
    vectors = (
        network.embeddings.tok_embeddings(torch.from_numpy(made.ids)).detach().requires_grad_()
    )
    positions = torch.from_numpy(packed.positions)
    far = (positions[:, :, None] - positions[:, None, :]).abs() > network.config.sliding_window
    seen = torch.from_numpy(masking.across(packed, made.chosen))
    stands = network(
        inputs_embeds=vectors,
        position_ids=positions,
        attention_mask={
            "full_attention": seen[:, None],
            "sliding_attention": (seen & ~far)[:, None],
        },
    ).last_hidden_state
    loss = stands[torch.from_numpy(made.chosen & (packed.texts == 0))].square().sum()
    loss.backward()
    assert vectors.grad is not None
    norms: NDArray[np.float64] = np.linalg.norm(vectors.grad.numpy(), axis=-1)
    return norms


class TestAcross:
    def test_nothing_of_its_own_text_reaches_a_masked_place_through_all_layers(self) -> None:
        packed = pairs(20, 25, 15, 15)
        made = masking.hidden(packed, SPECIALS, np.random.default_rng(3))
        felt = felt_by_masked(packed, made)
        own, other = packed.texts == 0, packed.texts == 1
        assert made.chosen[own].sum() > 1
        assert made.chosen[other].any()
        assert (felt[own & ~made.chosen] == 0).all()
        assert (felt[other & made.chosen] == 0).all()
        assert (felt[~own & ~other] == 0).all()
        assert (felt[other & ~made.chosen] > 0).all()

    def test_a_masked_place_sees_the_other_text_and_itself(self) -> None:
        packed = pairs(2, 2)
        chosen = np.zeros_like(packed.present)
        chosen[0, 1] = True
        seen = masking.across(packed, chosen)[0]
        assert np.flatnonzero(seen[1]).tolist() == [1, 4, 5, 6, 7]
        assert np.flatnonzero(seen[0]).tolist() == [0, 2, 3]
        assert np.flatnonzero(seen[5]).tolist() == [4, 5, 6, 7]

    def test_with_nothing_masked_each_text_sees_itself(self) -> None:
        packed = pairs(3, 4, 5, 6)
        seen = masking.across(packed, np.zeros_like(packed.present))
        eye = np.eye(packed.ids.shape[1], dtype=np.bool_)
        assert (seen == (same_text(packed) | eye)).all()
        assert (seen <= same_group(packed)).all()


class TestPlaceholders:
    def test_stand_somewhere_along_their_text(self) -> None:
        around = surrounded(texts(20, 3, 0), SPECIALS.start, SPECIALS.end)
        packed = masking.with_placeholders(around, SPECIALS, np.random.default_rng(0))
        found = masking.placeholders(packed)
        assert (packed.ids[found] == SPECIALS.mask).all()
        assert [(packed.texts == text).sum() for text in (1, 3, 5)] == [10, 2, 1]
        positions = packed.positions[packed.texts == 1]
        assert (np.diff(positions) == 1).all()
        assert 1 <= positions[0] <= positions[-1] <= 20
