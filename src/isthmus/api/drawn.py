"""Answers that show themselves: as text where somebody prints them, as tables in a notebook."""

from collections.abc import Iterable

from isthmus.answers import html, parts, text
from isthmus.answers.parts import Part
from isthmus.jobs import check, explain


class Drawn:
    """An answer that shows itself as a page."""

    def _page(self) -> Iterable[Part]:
        """Returns what to show, from top to bottom."""
        raise NotImplementedError

    def __str__(self) -> str:
        return text.plain(text.draw(self._page()))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return html.draw(self._page())


class Checked(Drawn, check.Checked, frozen=True):
    """A job that can run, and what this machine brings to it."""

    def _page(self) -> Iterable[Part]:
        return parts.checked(self)


class Explanation(Drawn, explain.Explanation, frozen=True):
    """Every message that would leave a party, and what its reader learns."""

    def _page(self) -> Iterable[Part]:
        return parts.explained(self)
