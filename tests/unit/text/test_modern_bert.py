"""ModernBERT on packed rows."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel

from isthmus.core.errors import SpecError
from isthmus.text import modern_bert, transformer_parameters
from isthmus.text.packing import pack, same_text, surrounded
from isthmus.text.spec import Encoder
from tests.unit.text.small_transformers import PIECES, SPECIALS, texts, transformer


class TestPackedRows:
    @pytest.mark.parametrize(
        ("lengths", "places", "apart"),
        [
            pytest.param((398,), 400, 0.0, id="a row of its own"),
            # Among others, processors may add the same numbers up in another order.
            pytest.param((398, 60, 7, 30), 512, 1e-6, id="a row with others"),
        ],
    )
    def test_equal_the_library_alone_at_400_tokens(
        self, lengths: tuple[int, ...], places: int, apart: float, tmp_path: Path
    ) -> None:
        made = transformer(layers=4, length=512)
        made.network.model.save_pretrained(tmp_path)
        alone = AutoModel.from_pretrained(tmp_path, attn_implementation="sdpa").eval()
        around = surrounded(texts(*lengths), SPECIALS.start, SPECIALS.end)
        packed = pack(around, SPECIALS.pad, places=places)
        with torch.no_grad():
            found = made.places(packed, same_text(packed))
            for text in range(len(lengths)):
                ids = torch.from_numpy(around.take(np.array([text])).ids.astype(np.int64))
                expected = alone(input_ids=ids[None]).last_hidden_state[0]
                of_text = found[torch.from_numpy(packed.texts == text)]
                assert (of_text - expected).abs().max() <= apart

    def test_a_plain_mask_would_leave_out_the_windows(self) -> None:
        made = transformer(layers=4, length=512)
        packed = made.packed(texts(398))
        with torch.no_grad():
            places = made.places(packed, same_text(packed))
            plain = made.network.model(
                input_ids=torch.from_numpy(packed.ids),
                position_ids=torch.from_numpy(packed.positions),
                attention_mask=torch.from_numpy(same_text(packed))[:, None],
            ).last_hidden_state
        assert (plain - places).abs().max() > 1e-3

    def test_a_text_has_the_same_vector_in_any_company(self) -> None:
        made = transformer()
        tokens = texts(9, 70, 0, 31, 100)
        together = modern_bert.embed(made, tokens)
        for text in range(tokens.texts):
            alone = modern_bert.embed(made, tokens.take(np.array([text])))
            assert np.abs(alone - together[text]).max() < 1e-6
        assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-6)


class TestLayers:
    def test_end_with_the_vectors_for_use_and_begin_with_those_of_the_pieces(self) -> None:
        made, given = transformer(layers=3), texts(5, 20, 11)
        found = modern_bert.embed_by_layer(made, given)
        assert found.shape == (4, 3, 32)
        assert (found[-1] == modern_bert.embed(made, given)).all()
        pieces = made.network.model.embeddings.norm(made.table)
        ids = torch.as_tensor(made.around(given).ids[:7].astype(np.int64))
        first = pieces[ids].mean(dim=0).detach().numpy()
        assert found[0, 0] == pytest.approx(first / np.linalg.norm(first), abs=1e-5)


class TestBegin:
    def test_follows_from_the_generator_alone(self) -> None:
        before = torch.random.get_rng_state()
        first, again, other = transformer(), transformer(), transformer(seed=1)
        assert torch.equal(torch.random.get_rng_state(), before)
        for name, parameter in again.state_dict().items():
            assert torch.equal(parameter, first.state_dict()[name]), name
        assert not torch.equal(first.table, other.table)

    def test_can_take_the_table_of_a_static_encoder(self) -> None:
        made = transformer()
        table = torch.from_numpy(np.random.default_rng(0).normal(0, 3, (PIECES, 32)))
        transformer_parameters.begin_with(made, table)
        assert not made.table[SPECIALS.pad].any()
        ratio = (made.table[1:] / table[1:]).detach()
        assert float(ratio.max()) == pytest.approx(float(ratio.min()), rel=1e-4)
        assert float(made.table.detach().std()) == pytest.approx(0.02, rel=0.05)


class TestMake:
    @pytest.mark.parametrize(
        ("encoder", "layers", "size", "heads"),
        [
            (Encoder(type="tiny"), 1, 256, 4),
            (Encoder(type="small"), 6, 256, 4),
            (Encoder(type="small", layers=2, size=100), 2, 100, 1),
            (Encoder(type="tiny", size=384), 1, 384, 6),
        ],
    )
    def test_makes_what_the_job_says(
        self, encoder: Encoder, layers: int, size: int, heads: int
    ) -> None:
        made = modern_bert.make(encoder, PIECES, SPECIALS)
        assert len(made.network.model.layers) == layers
        assert made.size == size
        assert made.config.num_attention_heads == heads

    def test_refuses_an_odd_size(self) -> None:
        with pytest.raises(SpecError, match=r"`encoder\.size` is 33.*multiple of 64"):
            modern_bert.make(Encoder(type="tiny", size=33), PIECES, SPECIALS)


class TestSavings:
    def test_layers_computed_again_give_the_same_gradient(self) -> None:
        gradients = list[torch.Tensor]()
        for again in (False, True):
            made = transformer()
            if again:
                made.recompute()
            loss: torch.Tensor = made(made.packed(texts(5, 9))).square().sum()
            loss.backward()  # type: ignore[no-untyped-call]
            assert made.table.grad is not None
            gradients.append(made.table.grad)
        assert torch.equal(*gradients)

    def test_16_bits_are_near(self) -> None:
        made = transformer()
        exact = modern_bert.embed(made, texts(20))
        made.half_precision = True
        near = modern_bert.embed(made, texts(20))
        assert 0 < np.abs(near - exact).max() < 0.02
