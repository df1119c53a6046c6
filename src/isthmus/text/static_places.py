"""A static encoder at each place of a text, so that it can learn from masked pieces too."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from isthmus.core.arrays import Bools, Integers
from isthmus.text.packing import Packed
from isthmus.text.static import StaticEncoder
from isthmus.text.tokenizer import Specials
from isthmus.text.tokens import Tokens


@dataclass(frozen=True)
class StaticPlaces:
    """At each place stands the weighted sum of the pieces that it sees."""

    encoder: StaticEncoder
    specials: Specials

    @property
    def pieces(self) -> int:
        """Returns the size of the vocabulary."""
        return len(self.encoder.table)

    def around(self, tokens: Tokens) -> Tokens:
        """Returns the texts themselves: it reads no special pieces."""
        return tokens

    def places(self, packed: Packed, seen: Bools, ids: Integers | None = None) -> Tensor:
        """Compute what stands at each place.

        Args:
            packed: The texts.
            seen: Which place sees which, shape (rows, places, places).
            ids: Pieces to read in place of those of the texts, shape (rows, places).

        Returns:
            Shape (rows, places, size); divided by the root of how many pieces a place sees.

        Source:
            Mikolov et al. 2013, arXiv:1301.3781, section 3.1, with weights.
        """
        device = self.encoder.table.device
        read = torch.as_tensor(packed.ids if ids is None else ids, device=device)
        sees = torch.as_tensor(seen, device=device).float()
        weights = functional.embedding(read, self.encoder.log_weights.unsqueeze(1)).exp()
        sums = sees @ (functional.embedding(read, self.encoder.table) * weights)
        return sums / sees.sum(dim=2, keepdim=True).clamp(min=1).sqrt()

    def logits(self, places: Tensor) -> Tensor:
        """Returns logits of the pieces, shape (places, pieces)."""
        return places @ self.encoder.table.T
