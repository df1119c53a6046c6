"""What results of all families have in common."""

import pytest

from isthmus.jobs import registry
from isthmus.jobs.result import AnyResult


class TestKinds:
    @pytest.mark.parametrize("family", [family.name for family in registry.FAMILIES])
    def test_name_the_family_and_differ(self, family: str) -> None:
        union = registry.load_family(family).RESULTS
        structs = getattr(union, "__args__", (union,))
        assert all(issubclass(struct, AnyResult) for struct in structs)
        tags = [str(struct.__struct_config__.tag) for struct in structs]
        assert all(tag.startswith(f"{family}.") for tag in tags)
        assert len(set(tags)) == len(tags)
