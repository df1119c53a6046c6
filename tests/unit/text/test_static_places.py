"""A static encoder at each place of a text."""

import numpy as np
import torch

from isthmus.text import masked_losses, masking
from isthmus.text.packing import pack, same_text
from isthmus.text.static import StaticEncoder
from isthmus.text.static_places import StaticPlaces
from tests.unit.text.small_transformers import PIECES, SPECIALS, texts


def static() -> StaticPlaces:
    encoder = StaticEncoder(PIECES, 8)
    encoder.begin(np.random.default_rng(0))
    return StaticPlaces(encoder, SPECIALS)


class TestStaticPlaces:
    def test_a_place_is_the_weighted_sum_of_what_it_sees(self) -> None:
        made = static()
        made.encoder.log_weights.data[:] = torch.arange(PIECES) / PIECES
        tokens = texts(3, 2)
        packed = pack(tokens, SPECIALS.pad)
        places = made.places(packed, same_text(packed))
        table = made.encoder.folded()
        for text in range(2):
            ids = torch.from_numpy(tokens.take(np.array([text])).ids.astype(np.int64))
            expected = table[ids].sum(dim=0) / len(ids) ** 0.5
            found = places[torch.from_numpy(packed.texts == text)]
            assert torch.allclose(found, expected.expand(len(ids), -1), atol=1e-6)

    def test_learns_from_masked_pieces(self) -> None:
        made = static()
        packed = pack(made.around(texts(20, 20)), SPECIALS.pad, together=2)
        masked = masking.hidden(packed, SPECIALS, np.random.default_rng(0))
        found = masked_losses.camlm(made, packed, masked)
        found.loss.backward()  # type: ignore[no-untyped-call]
        assert made.encoder.table.grad is not None
        assert made.encoder.log_weights.grad is not None
        assert made.encoder.log_weights.grad.any()
