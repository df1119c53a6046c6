"""A dataset becomes samples for a network, or one sentence says why not."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from isthmus.core.errors import SpecError
from isthmus.data.samples import Samples, load, pooled
from isthmus.data.spec import Dataset

DIGITS = "digit,p0,p1,p2,p3\n3,0,16,8,0\n7,0,0,0,0\n3,1,2,3,4\n"
Load = Callable[..., Samples]


@pytest.fixture
def load_csv(tmp_path: Path) -> Load:
    def load_text(text: str, **keys: Any) -> Samples:
        (tmp_path / "samples.csv").write_text(text, encoding="utf-8")
        return load(Dataset(path="samples.csv", **keys), tmp_path)

    return load_text


class TestLoad:
    def test_reads_columns_in_single_precision_and_labels_as_names(self, load_csv: Load) -> None:
        samples = load_csv(DIGITS, type="image", label="digit", columns=("p*",))
        assert samples.type == "image"
        assert samples.inputs.dtype == np.float32
        assert samples.inputs.tolist() == [[0, 16, 8, 0], [0, 0, 0, 0], [1, 2, 3, 4]]
        assert samples.labels == ("3", "7", "3")
        assert samples.names == ("p0", "p1", "p2", "p3")

    def test_reads_texts_from_one_column(self, load_csv: Load) -> None:
        samples = load_csv("text,topic\nguten Tag,de\ngood day,en\n", type="text", label="topic")
        assert samples.texts == ("guten Tag", "good day")
        assert samples.labels == ("de", "en")
        assert samples.inputs.shape == (2, 0)

    def test_reads_translations_from_further_columns(self, load_csv: Load) -> None:
        samples = load_csv("de,en\nguten Tag,good day\nja,yes\n", type="text")
        assert samples.names == ("de", "en")
        assert samples.texts == ("guten Tag", "ja")
        assert samples.translations == (("good day", "yes"),)
        assert samples.take(np.array([1])).translations == (("yes",),)
        assert pooled([samples, samples]).translations == (("good day", "yes") * 2,)

    def test_needs_no_labels(self, load_csv: Load) -> None:
        assert load_csv("a,b\n1,2\n").labels is None

    @pytest.mark.parametrize(
        ("text", "keys", "message"),
        [
            ("a,b\nx,\n", {"type": "text"}, "'b': 1 of 1 cells is empty, in line 2. Remove"),
            ("a,b\n1,\n2,3\n", {}, "'b': 1 of 2 cells is empty, in line 2. Set"),
            ("a,b\n1,x\n", {}, "'b' holds text, not numbers: encode it as numbers, such as a flag"),
            ("a,b\n1,1e31\n", {}, "is beyond 1e+30, in line 2, too large for a net"),
            ("a,b\n1,x\n2,\n", {"label": "b"}, "'b': 1 of 2 cells is empty, in line 3. Remove"),
            ("a,b\n1,2\n", {"missing": "keep"}, "a network needs a number in every cell"),
            ("a,b\n1,2\n", {"categorical": ("b",)}, "`categorical` is for boosted trees"),
            ("a,b\n1,2\n", {"weight": "b"}, "`weight` is for boosted trees"),
            ("a,b\n1,2\n", {"exposure": "b"}, "`exposure` is for a [regression]"),
        ],
    )
    def test_says_what_does_not_fit(
        self, load_csv: Load, text: str, keys: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(SpecError, match=re.escape(message)):
            load_csv(text, **keys)

    def test_quotes_no_cell_in_an_error(self, load_csv: Load) -> None:
        with pytest.raises(SpecError) as raised:
            load_csv("a,b\n1,secret\n")
        assert "secret" not in str(raised.value)


class TestSplit:
    def test_parts_all_rows_the_same_way_in_every_run(self, load_csv: Load) -> None:
        rows = load_csv("a\n" + "\n".join(map(str, range(20))))
        train, test = rows.split(0.25, seed=7, party="north")
        assert (len(train), len(test)) == (15, 5)
        assert sorted([*train.inputs[:, 0], *test.inputs[:, 0]]) == list(range(20))
        again, _ = rows.split(0.25, seed=7, party="north")
        assert again.inputs.tolist() == train.inputs.tolist()

    def test_differs_by_seed_and_by_party(self, load_csv: Load) -> None:
        rows = load_csv("a\n" + "\n".join(map(str, range(20))))
        held_out = {
            (seed, party): tuple(rows.split(0.25, seed, party)[1].inputs[:, 0])
            for seed in (1, 2)
            for party in ("north", "south")
        }
        assert len(set(held_out.values())) == 4


class TestPooled:
    def test_puts_rows_of_all_parties_together(self, load_csv: Load) -> None:
        one = load_csv(DIGITS, label="digit")
        two = load_csv("digit,p0,p1,p2,p3\n9,1,1,1,1\n", label="digit")
        both = pooled([one, two])
        assert both.labels == ("3", "7", "3", "9")
        assert both.inputs.shape == (4, 4)

    def test_has_labels_only_where_every_part_has(self, load_csv: Load) -> None:
        assert pooled([load_csv("a,b\n1,x\n", label="b"), load_csv("a\n2\n")]).labels is None
