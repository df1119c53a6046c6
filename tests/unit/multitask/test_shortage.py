"""Too little memory."""

import numpy as np
import pytest
import torch

from isthmus.core.errors import SpecError
from isthmus.multitask.network.shortage import shortage_is_error


class TestShortage:
    def test_of_layers_is_a_sentence(self) -> None:
        with (
            pytest.raises(SpecError, match="too little memory for the layers"),
            shortage_is_error(),
        ):
            torch.empty(2**54)

    def test_of_arrays_is_a_sentence(self) -> None:
        with pytest.raises(SpecError, match="lower `hidden`"), shortage_is_error():
            np.empty(2**54)

    def test_of_a_device_says_so(self) -> None:
        with pytest.raises(SpecError, match="memory on the CUDA device"), shortage_is_error():
            raise torch.OutOfMemoryError

    def test_is_no_other_error(self) -> None:
        with pytest.raises(RuntimeError, match="shapes"), shortage_is_error():
            raise RuntimeError("shapes")
