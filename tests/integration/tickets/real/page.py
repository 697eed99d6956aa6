"""What a page shows: the text of one of its elements, and with which elements inside it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

_EMPTY = frozenset({"br", "hr", "img", "input", "wbr"})


@dataclass
class Shown:
    """`links`: target and text of each. A line break counts as LF."""

    text: str = ""
    elements: set[str] = field(default_factory=set)
    links: list[tuple[str, str]] = field(default_factory=list)


def shown(page: str, css_class: str) -> list[Shown]:
    """The elements of this class, in the page's order."""
    parser = _Parser(css_class)
    parser.feed(page)
    parser.close()
    return parser.found


class _Parser(HTMLParser):
    def __init__(self, css_class: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Shown] = []
        self._css_class = css_class
        self._depth = 0
        self._link: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if self._depth == 0:
            if self._css_class in (attributes.get("class") or "").split():
                self._depth = 1
                self.found.append(Shown())
            return
        self.found[-1].elements.add(tag)
        if tag == "a":
            self._link = attributes.get("href")
            self.found[-1].links.append((self._link or "", ""))
        if tag == "br":
            self.found[-1].text += "\n"
        if tag not in _EMPTY:
            self._depth += 1

    def handle_endtag(self, tag: str) -> None:
        if self._depth and tag not in _EMPTY:
            self._depth -= 1
            if tag == "a":
                self._link = None

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.found[-1].text += data
            if self._link is not None:
                target, text = self.found[-1].links[-1]
                self.found[-1].links[-1] = (target, text + data)
