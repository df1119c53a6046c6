"""What `check` and `explain` answer: the structs of the same name, which show themselves."""

from collections.abc import Iterable

from isthmus.api.drawing import Drawn
from isthmus.jobs import check, explain, shown
from isthmus.jobs.shown import Part


class Checked(Drawn, check.Checked, frozen=True):
    """A job that can run, and what this machine brings to it."""

    def _page(self) -> Iterable[Part]:
        return shown.checked(self)


class Explanation(Drawn, explain.Explanation, frozen=True):
    """Every message that would leave a party, and what its reader learns."""

    def _page(self) -> Iterable[Part]:
        return shown.explained(self)
