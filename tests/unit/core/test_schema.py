"""Every key of a spec, with its type in words."""

from typing import Annotated, Literal

import pytest
from msgspec import Meta

from isthmus.core.schema import Key, below, keys
from isthmus.core.spec import Spec
from isthmus.jobs.job import Job
from isthmus.jobs.party import Party


class Leaf(Spec, frozen=True):
    """A table below."""

    size: Annotated[int, Meta(ge=1, le=4, description="how large")] = 2


class Round(Spec, frozen=True, tag_field="shape", tag="round"):
    """A disc."""

    size: Annotated[int, Meta(ge=1, le=4, description="how large")] = 2


class Square(Spec, frozen=True, tag_field="shape", tag="square"):
    """A box."""

    size: Annotated[int, Meta(ge=1, le=4, description="how large")] = 2
    edges: Annotated[bool, Meta(description="whether to draw them")] = False


class Kinds(Spec, frozen=True, kw_only=True):
    """A file with tables of several kinds."""

    one: Round | Square = Square()
    each: Annotated[dict[str, Round | Square], Meta(description="shapes by name")]


class Root(Spec, frozen=True):
    """A file."""

    kind: Annotated[Literal["a", "b"], Meta(description="which one")]
    share: Annotated[float | None, Meta(description="how much")] = None
    names: list[str] = []
    below: Leaf = Leaf()
    maybe: Leaf | None = None
    many: Annotated[dict[str, Leaf], Meta(description="leaves by name")] = {}


SIZE = ("integer >= 1, <= 4", "2", "how large")


class TestKeys:
    def test_are_every_key_by_its_dotted_path(self) -> None:
        assert keys(Root) == [
            Key("kind", '"a" | "b"', "required", "which one"),
            Key("share", "number", "none", "how much"),
            Key("names", "list of text", "[]", ""),
            Key("below", "table", "", "A table below."),
            Key("below.size", *SIZE),
            Key("maybe", "table", "none", "A table below."),
            Key("maybe.size", *SIZE),
            Key("many", "tables by name", "{}", "leaves by name"),
            Key("many.NAME.size", *SIZE),
        ]

    def test_that_several_kinds_of_a_table_share_are_told_once(self) -> None:
        def of(table: str) -> list[Key]:
            shapes = '"round": A disc; "square": A box.'
            return [
                Key(f"{table}.shape", '"round" | "square"', "required", shapes),
                Key(f"{table}.size", *SIZE),
                Key(
                    f"{table}.edges", "true or false", "false", 'whether to draw them (of "square")'
                ),
            ]

        assert keys(Kinds) == [
            Key("one", "table", 'shape = "square"', "A disc."),
            *of("one"),
            Key("each", "tables by name", "required", "shapes by name"),
            *of("each.NAME"),
        ]

    @pytest.mark.parametrize("kind", [Job, Party])
    def test_of_our_files_all_have_a_meaning(self, kind: type[Spec]) -> None:
        assert [key.key for key in keys(kind) if not key.meaning] == []


class TestBelow:
    def test_is_one_table_with_the_tables_in_it(self) -> None:
        assert below(Root, "below") == [Key("below.size", *SIZE)]

    @pytest.mark.parametrize("path", ["many", "many.oak", "many.NAME"])
    def test_finds_a_table_under_a_name_that_users_choose(self, path: str) -> None:
        assert Key("many.NAME.size", *SIZE) in below(Root, path)

    @pytest.mark.parametrize("path", ["above", "kind", "below.size"])
    def test_is_empty_where_there_is_no_such_table(self, path: str) -> None:
        assert below(Root, path) == []
