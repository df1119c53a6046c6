"""What a page and a figure say, to a program that reads them."""

from html.parser import HTMLParser
from xml.etree import ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"


class Page(HTMLParser):
    """Headings, links to elsewhere, identifiers and titles of figures of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.headings: list[str] = []
        self.references: list[str] = []
        self.identifiers: list[str] = []
        self.figures: list[str] = []
        self._in_heading = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_heading = tag == "h2"
        for name, value in attrs:
            if name in {"src", "href", "xlink:href", "action", "srcset"}:
                self.references.append(value or "")
            if name == "id":
                self.identifiers.append(value or "")
            if tag == "svg" and name == "aria-label":
                self.figures.append(value or "")

    def handle_data(self, data: str) -> None:
        if self._in_heading:
            self.headings.append(data)
            self._in_heading = False


def parse(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 (we drew it ourselves)


def texts(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in parse(svg).iter(f"{SVG}text")]


def said(svg: str) -> str:
    """What a figure tells those who do not see it."""
    return parse(svg).findtext(f"{SVG}desc", "")
