"""The dataset table of a party file."""

import msgspec
import pytest

from isthmus.data.spec import Dataset


def read(text: str) -> Dataset:
    return msgspec.toml.decode(text, type=Dataset)


class TestDataset:
    def test_needs_a_path_and_identifiers(self) -> None:
        dataset = read('path = "people.csv"\nidentifiers = ["person"]')
        assert (dataset.columns, dataset.missing, dataset.label) == (("*",), "error", None)

    @pytest.mark.parametrize(
        "line",
        [
            'missing = "median"',
            "missing = nan",
            "missing = inf",
            'delimiter = ",,"',
            'delimiter = "€"',
            "delimiter = '\"'",
            'delimiter = "\\n"',
            'types = {age = "date"}',
            "columns = 3",
            'colums = ["*"]',
        ],
    )
    def test_refuses_what_it_does_not_know(self, line: str) -> None:
        with pytest.raises(msgspec.ValidationError):
            read(f'path = "people.csv"\nidentifiers = ["person"]\n{line}')

    def test_says_what_every_key_means(self) -> None:
        schema = msgspec.json.schema(Dataset)["$defs"]["Dataset"]
        assert all(described(key) for key in schema["properties"].values())


def described(key: dict[str, object]) -> bool:
    return bool(key.get("description"))
