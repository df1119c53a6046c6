"""Files that users write: read strictly, written back, compared by digest."""

import hashlib
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from isthmus.core import spec
from isthmus.core.errors import FileError, SpecError, told
from isthmus.core.spec import Spec


class Batch(Spec, frozen=True):
    rows: Annotated[int, msgspec.Meta(ge=1)] = 64
    order: list[str] = []


class Plan(Spec, frozen=True):
    name: str
    batch: Batch = Batch()
    limits: dict[str, float | None] = {}
    note: str | None = None


class GrownBatch(Batch, frozen=True):
    limit: int | None = None


class Circle(Spec, frozen=True, tag_field="shape", tag="circle"):
    size: float = 1.0


class Square(Spec, frozen=True, tag_field="shape", tag="square"):
    size: float = 1.0


class Drawing(Spec, frozen=True):
    figure: Circle | Square = Circle()


class Range(Spec, frozen=True):
    low: float = 0.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("`low` is above `high`")


class NamedRange(Range, frozen=True):
    name: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.name == "none":
            raise ValueError("`name` says nothing")


class Ranges(Spec, frozen=True):
    inner: NamedRange = NamedRange()


class GrownPlan(Plan, frozen=True):
    """What a later version may make of a plan."""

    batch: GrownBatch = GrownBatch()
    figure: Circle | Square | None = None


FULL = Plan(name="a", batch=Batch(rows=8, order=["x"]), limits={"b": 0.5}, note="ä")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "plan.toml"


REFUSALS: dict[str, tuple[bytes, str]] = {
    "no TOML": (b"name = ", r"at the end of the file: after `=` stands no value: put a text in "),
    "a key twice": (b'name = "a"\nname = "b"\n', r"in line 2, column 11: .* keep one of the two\."),
    "a missing key": (b"", r"the file lacks `name`\. `isthmus schema plan` lists every key"),
    "an unknown key": (
        b'name = "a"\n[batch]\nrow = 1',
        r"\[batch\] has no key `row`: did you mean `rows`\? `isthmus schema plan`",
    ),
    "another type": (
        b'name = "a"\n[batch]\nrows = "8"',
        r"`batch\.rows` is a text, and must be a whole number of at least 1\.",
    ),
    "a value out of range": (
        b'name = "a"\n[batch]\nrows = 0',
        r"`batch\.rows` is 0, and must be a whole number of at least 1\.",
    ),
    "no text": (b"\xff\x00\xfe", "is not TOML in UTF-8. Give the path of a text file"),
    "too large": (b"#" * 65_537, r"has more than 65,536 bytes, .* not of data"),
    "a key of many parts": (
        b'name = "a"\n' + b"a." * 32 + b"a = 1",
        "in line 2: a key with more than 32 parts between dots",
    ),
    "a table of many parts in quotes": (
        b"[" + b".".join([b'"a\\"."', b"'.b'"] * 32) + b"]",
        "in line 1: a key with more than 32 parts between dots",
    ),
    "a bomb of brackets": (b"name = " + b"[" * 10_000, "is not TOML in UTF-8"),
}


class TestLoad:
    def test_reads_a_file_and_fills_in_defaults(self, file: Path) -> None:
        file.write_text('name = "a"\n[batch]\nrows = 8')
        assert spec.load(file, Plan) == Plan(name="a", batch=Batch(rows=8))

    def test_reads_a_file_with_a_byte_order_mark(self, file: Path) -> None:
        file.write_text('name = "a"', "utf-8-sig")
        assert spec.load(file, Plan).name == "a"

    def test_reads_a_file_of_the_largest_size(self, file: Path) -> None:
        text = 'name = "a"\n[batch]\norder = ["x", "' + "1.5, " * 100 + '"]\n'
        file.write_text(text.ljust(65_536, "#"))
        assert len(spec.load(file, Plan).batch.order) == 2

    @pytest.mark.parametrize(
        "costly", ["a." * 32_000 + "a = 1", "[" + "'a' . " * 10_000 + "a]", '"a".' * 16_000]
    )
    def test_parses_no_text_that_would_cost_much(
        self, file: Path, costly: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        parsed = list[str]()
        monkeypatch.setattr("tomllib.loads", parsed.append)
        file.write_text(costly)
        with pytest.raises(SpecError, match="parts between dots"):
            spec.load(file, Plan)
        assert not parsed

    @pytest.mark.parametrize(("text", "sentence"), REFUSALS.values(), ids=list(REFUSALS))
    def test_says_where_a_file_is_wrong(self, file: Path, text: bytes, sentence: str) -> None:
        file.write_bytes(text)
        with pytest.raises(SpecError, match=rf"plan\.toml: .*{sentence}"):
            spec.load(file, Plan)

    def test_says_all_that_is_wrong_a_line_each(self, file: Path) -> None:
        file.write_text("nam = 1\n[batch]\nrows = 0")
        with pytest.raises(FileError) as caught:
            spec.load(file, Plan)
        assert told(caught.value).splitlines() == [
            f"{file}: 2 problems.",
            "- the file has no key `nam`: did you mean `name`?",
            "- `batch.rows` is 0, and must be a whole number of at least 1.",
            "`isthmus schema plan` lists every key.",
        ]

    def test_says_that_there_is_no_file(self, file: Path) -> None:
        with pytest.raises(SpecError, match=r"there is no such file. Give the path of a plan file"):
            spec.load(file, Plan)

    def test_says_that_it_is_a_folder(self, file: Path) -> None:
        file.mkdir()
        with pytest.raises(SpecError, match=r"this is a folder. Give the path of the TOML file"):
            spec.load(file, Plan)

    def test_says_why_the_system_does_not_let_it_read(self, file: Path) -> None:
        (file.parent / "plain").touch()
        with pytest.raises(SpecError, match=r"cannot be read: Not a directory. Check the path"):
            spec.load(file.parent / "plain" / "plan.toml", Plan)


class TestDump:
    @pytest.mark.parametrize("plan", [FULL, Plan(name="b")])
    def test_is_read_back(self, file: Path, plan: Plan) -> None:
        file.write_bytes(spec.dump(plan))
        assert spec.load(file, Plan) == plan

    def test_names_the_kind_of_a_table_that_has_several(self, file: Path) -> None:
        drawing = Drawing(figure=Square())
        file.write_bytes(spec.dump(drawing))
        assert spec.load(file, Drawing) == drawing

    def test_writes_no_file_that_could_not_be_read(self) -> None:
        with pytest.raises(SpecError, match=r"a plan file would have 70,.* and may have 65,536"):
            spec.dump(Plan(name="b" * 70_000))

    def test_leaves_defaults_out(self) -> None:
        assert spec.dump(Plan(name="b")) == b'name = "b"\n'


class Sizes(Spec, frozen=True):
    by_name: dict[str, Square]


class TestSettings:
    def test_are_all_keys_and_values_defaults_included(self) -> None:
        assert spec.settings(FULL) == (
            'name = "a", batch = (rows = 8, order = ["x"]), limits = {"b":0.5}, note = "ä"'
        )

    def test_begin_with_the_kind_of_a_table_that_has_several(self) -> None:
        assert spec.settings(Square(size=2.0)) == 'shape = "square", size = 2.0'

    def test_leave_out_what_is_not_there(self) -> None:
        assert spec.settings(Plan(name="b")) == (
            'name = "b", batch = (rows = 64, order = []), limits = {}'
        )

    def test_name_tables_of_a_dict_but_for_those_beyond_a_line(self) -> None:
        few = Sizes(by_name={"a": Square(size=1.0), "b": Square(size=2.0)})
        assert spec.settings(few) == "by_name = (a, b)"
        many = Sizes(by_name={f"c{number:02}": Square(size=1.0) for number in range(1_015)})
        assert spec.settings(many).endswith("c10, c11 and 1,003 more)")


class TestDifference:
    def test_is_the_first_key_that_differs(self) -> None:
        first, second = (spec.key_digests(Plan(name="a", limits={"x": x})) for x in (1.0, 2.0))
        assert spec.first_difference(first, second) == "limits.x"

    def test_is_a_default_where_the_keys_are_the_same(self) -> None:
        keys = spec.key_digests(Plan(name="a"))
        assert spec.first_difference(keys, keys) == "a default"


class TestDigest:
    def test_is_that_of_canonical_json_with_defaults_and_without_what_is_not_there(self) -> None:
        canonical = '{"batch":{"order":[],"rows":64},"limits":{},"name":"a"}'
        assert spec.digest(Plan(name="a")) == hashlib.sha256(canonical.encode()).hexdigest()

    def test_does_not_depend_on_layout_or_order(self, file: Path) -> None:
        file.write_text('name = "a" # comment\nnote="n"\n[limits]\nx = 1.0\ny = 2.0')
        first = spec.load(file, Plan)
        file.write_text('note = "n"\nname = "a"\nlimits = {y = 2.0, x = 1.0}')
        assert spec.digest(spec.load(file, Plan)) == spec.digest(first)

    def test_stays_the_same_where_a_later_version_has_one_more_table_that_is_not_used(self) -> None:
        grown = msgspec.convert(msgspec.to_builtins(FULL), GrownPlan)
        assert spec.digest(grown) == spec.digest(FULL)
        assert spec.key_digests(grown) == spec.key_digests(FULL)
        used = msgspec.structs.replace(grown, figure=Circle())
        assert spec.digest(used) != spec.digest(FULL)

    def test_changes_with_every_value(self) -> None:
        others = [
            msgspec.structs.replace(FULL, name="b"),
            msgspec.structs.replace(FULL, note=None),
            msgspec.structs.replace(FULL, batch=Batch(rows=9, order=["x"])),
            msgspec.structs.replace(FULL, limits={"b": None}),
        ]
        assert len({spec.digest(plan) for plan in [FULL, *others]}) == 5


class TestKeyDigests:
    def test_names_every_key_by_its_path(self) -> None:
        paths = {"name", "batch.rows", "batch.order", "limits.b", "note"}
        assert spec.key_digests(FULL).keys() == paths

    def test_names_an_empty_table_as_a_whole(self) -> None:
        assert "limits" in spec.key_digests(Plan(name="a"))

    def test_differs_exactly_where_two_specs_do(self) -> None:
        other = msgspec.structs.replace(FULL, batch=Batch(rows=9, order=["x"]))
        ours, theirs = spec.key_digests(FULL), spec.key_digests(other)
        assert [key for key in ours if ours[key] != theirs[key]] == ["batch.rows"]


class TestContradictions:
    """What a table refuses by itself, of keys that are right one by one."""

    @pytest.mark.parametrize(
        ("keys", "sentence"),
        [({"low": 2.0}, "`low` is above `high`"), ({"name": "none"}, "`name` says nothing")],
    )
    def test_is_an_error_of_ours_where_python_code_makes_the_table(
        self, keys: dict[str, Any], sentence: str
    ) -> None:
        with pytest.raises(SpecError) as error:
            NamedRange(**keys)
        assert (str(error.value), error.value.exit_code) == (sentence, 2)
        with pytest.raises(SpecError, match=sentence):
            msgspec.structs.replace(NamedRange(), **keys)

    def test_is_told_with_file_and_table_where_a_file_has_it(self, file: Path) -> None:
        file.write_text("[inner]\nlow = 2.0\n")
        with pytest.raises(SpecError) as error:
            spec.load(file, Ranges)
        assert str(error.value).startswith(f"{file}: [inner]: `low` is above `high`. `isthmus sch")
