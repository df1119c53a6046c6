"""What does not fit in a file, in sentences of ours."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from isthmus.core.problems import problems
from isthmus.core.spec import Spec
from isthmus.jobs.job import Job
from isthmus.jobs.party import Party

Name = Annotated[str, Meta(pattern=r"^[a-z]+\Z", description="a name of a-z")]


class Round(Spec, frozen=True, tag_field="shape", tag="round"):
    size: Annotated[int, Meta(ge=1, le=4, description="how large")] = 2


class Square(Spec, frozen=True, tag_field="shape", tag="square"):
    edges: Annotated[bool, Meta(description="whether to draw them")] = False

    def __post_init__(self) -> None:
        if self.edges:
            raise ValueError("edges are not drawn on paper")


class Drawing(Spec, frozen=True):
    title: Annotated[Name, Meta(description="what it shows")]
    paper: Literal["plain", "lined"] = "plain"
    share: Annotated[float, Meta(gt=0, lt=1)] = 0.5
    figure: Round | Square | None = None
    many: dict[Name, Round] = {}
    notes: Annotated[tuple[str, ...], Meta(max_length=2)] = ()


SENTENCES: dict[str, tuple[dict[str, Any], str]] = {
    "a key that is missing": ({"title": ...}, "the file lacks `title`: what it shows"),
    "a key that is meant": ({"titel": "a", "title": ...}, "did you mean `title`?"),
    "a key of another table": ({"edges": True}, "no key `edges`: it belongs to [figure]"),
    "a key of the file in a table": (
        {"figure": {"shape": "round", "share": 1}},
        "[figure] has no key `share`: it belongs before the first [table]",
    ),
    "a key of nobody": (
        {"figure": {"shape": "round", "wings": 1}},
        "[figure] has no key `wings`; it has size, shape",
    ),
    "a name": ({"title": "Big A"}, '`title` is "Big A", and must be a name of a-z'),
    "a name of a table": (
        {"many": {"B": {"shape": "round"}}},
        '`many.B` is the name "B", and must be a name of a-z',
    ),
    "a word of a few": ({"paper": "line"}, '`paper` is "line": did you mean "lined"? It must be'),
    "another word": ({"paper": "gold"}, '`paper` is "gold", and must be "plain" or "lined"'),
    "another type": ({"share": "0.5"}, "`share` is a text, and must be a number above 0 and below"),
    "a number that is not whole": (
        {"figure": {"shape": "round", "size": 1.5}},
        "`figure.size` is 1.5, and must be a whole number from 1 to 4",
    ),
    "a kind of table": (
        {"figure": {"shape": "sqare"}},
        '`figure.shape` is "sqare": did you mean "square"? It must be "round" or "square"',
    ),
    "no kind of table": ({"figure": {}}, '[figure] lacks `shape`: "round" or "square"'),
    "no table": ({"figure": 3}, "`figure` is 3, and must be a table"),
    "an item": ({"notes": ["a", 2]}, "`notes, item 2` is 2, and must be a text in quotes"),
    "too many items": (
        {"notes": ["a", "b", "c"]},
        "`notes` is a list of 3, and must be a list (at most 2 long) of texts in quotes",
    ),
    "a contradiction": (
        {"figure": {"shape": "square", "edges": True}},
        "[figure]: edges are not drawn on paper",
    ),
}

KEYS = st.sampled_from(
    ["name", "seed", "regression", "boosting", "data", "train", "objective", "people", "datasets"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


class TestProblems:
    @pytest.mark.parametrize(("said", "sentence"), SENTENCES.values(), ids=list(SENTENCES))
    def test_are_said_with_place_and_advice(self, said: dict[str, Any], sentence: str) -> None:
        whole = {k: v for k, v in ({"title": "a"} | said).items() if v is not ...}
        (found,) = problems(whole, Drawing)
        assert sentence in found

    def test_are_all_of_a_file_in_its_order(self) -> None:
        whole = {"paper": "gold", "figure": {"shape": "round", "size": 9}, "wings": 2}
        starts = [
            "`paper` is",
            "`figure.size` is 9",
            "the file has no key `wings`",
            "the file lacks",
        ]
        assert [
            found.startswith(start)
            for found, start in zip(problems(whole, Drawing), starts, strict=True)
        ] == [True] * 4

    def test_of_a_file_that_fits_are_none(self) -> None:
        assert problems({"title": "a", "figure": {"shape": "round"}}, Drawing) == []

    @pytest.mark.parametrize("kind", [Job, Party])
    @given(value=st.dictionaries(KEYS, VALUES, max_size=4))
    def test_are_found_wherever_the_file_is_refused(self, kind: type[Spec], value: Any) -> None:
        try:
            msgspec.convert(value, kind)
        except (msgspec.ValidationError, TypeError):
            assert problems(value, kind)
        else:
            assert problems(value, kind) == []
