"""Networks by type: what goes in, what comes out."""

import numpy as np
import pytest
import torch

from isthmus.nn import build
from isthmus.nn.image import Grid
from isthmus.nn.spec import Image, Network
from isthmus.nn.text import BYTES, PADDING, START, TextEncoder, longest, numbers_of
from tests.learning import CNN, NETWORKS, TABULAR, TEXT, VIT


def inputs_of(network: Network) -> torch.Tensor:
    """A batch of three samples."""
    pictures = torch.ones(3, 2, 6, 7)
    known = [
        (TABULAR, torch.ones(3, 3)),
        (CNN, pictures),
        (VIT, pictures),
        (TEXT, torch.full((3, 13), START)),
    ]
    return next(inputs for each, inputs in known if each == network)


class TestEveryNetwork:
    @pytest.mark.parametrize("network", NETWORKS)
    def test_turns_a_batch_into_embeddings(self, network: Network) -> None:
        assert build.encoder(network)(inputs_of(network)).shape == (3, 4)

    @pytest.mark.parametrize("network", [TABULAR, CNN, VIT])
    def test_has_a_decoder_back_to_the_sample(self, network: Network) -> None:
        assert build.decoder(network)(torch.ones(3, 4)).shape == inputs_of(network).shape

    @pytest.mark.parametrize("network", NETWORKS)
    def test_keeps_samples_of_a_batch_apart(self, network: Network) -> None:
        # Otherwise statistics of a batch would cross between parties, as those of BatchNorm do.
        module, inputs = build.encoder(network), inputs_of(network).clone()
        before = module(inputs)
        inputs[0] = 0
        after = module(inputs)
        assert torch.equal(before[1:], after[1:])
        assert not torch.equal(before[0], after[0])

    @pytest.mark.parametrize("network", NETWORKS)
    def test_holds_single_precision_parameters_only(self, network: Network) -> None:
        module = build.encoder(network)
        assert {it.dtype for it in module.parameters()} == {torch.float32}
        assert not list(module.buffers())


class TestText:
    def test_is_read_as_bytes_after_a_start(self) -> None:
        assert numbers_of(["aé", ""], 3).tolist() == [
            [START, 97, 0xC3, 0xA9],
            [START, PADDING, PADDING, PADDING],
        ]

    def test_is_cut_where_it_is_too_long(self) -> None:
        assert numbers_of(["abcdef"], 3).tolist() == [[START, 97, 98, 99]]

    def test_padding_does_not_change_an_embedding(self) -> None:
        module = TextEncoder(TEXT)
        whole = torch.tensor(numbers_of(["abc", "a"], TEXT.length))
        torch.testing.assert_close(module(whole), module(longest(whole)))
        assert longest(whole).shape == (2, 4)

    def test_has_a_logit_for_each_byte(self) -> None:
        assert build.decoder(TEXT)(torch.ones(3, 13, 4)).shape == (3, 13, BYTES)


class TestPatches:
    network = Image(height=5, width=7, channels=2, patch=3)

    def test_are_joined_as_a_convolution_cuts_them(self) -> None:
        grid = Grid(self.network)
        images = torch.tensor(np.random.default_rng(0).random((2, 2, 5, 7)))
        padded = grid.padded(images)
        patches = torch.nn.functional.unfold(padded, kernel_size=3, stride=3).transpose(1, 2)
        assert patches.shape == (2, grid.places, 2 * 9)
        assert torch.equal(grid.joined(patches), images)

    def test_spread_their_mark_over_their_pixels(self) -> None:
        marks = torch.zeros(1, 6)
        marks[0, 5] = 1  # below on the right, where two lines and one column are left
        spread = Grid(self.network).spread(marks)
        assert spread.shape == (1, 1, 5, 7)
        assert spread[0, 0, 3:, 6:].sum() == spread.sum() == 2
