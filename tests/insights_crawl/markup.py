"""What a page refers to: links, parts, forms with their fields."""

from html.parser import HTMLParser
from typing import NamedTuple

REFERRING = {"href", "src", "action", "formaction", "hx-get", "hx-post", "srcset", "poster", "data"}


class Form(NamedTuple):
    """A form: its method, where it leads, and its fields with a value that a reader could leave in them."""

    method: str
    action: str
    fields: dict[str, str]


class Page(HTMLParser):
    """Reads one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._fields: dict[str, str] | None = None
        self._select = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.addresses += [given[name] for name in REFERRING & given.keys()]
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "form":
            self.forms.append(Form(given.get("method", "get").lower(), given.get("action", ""), {}))
            self._fields = self.forms[-1].fields
        elif self._fields is not None and given.get("name"):
            self._field(tag, given)
        elif tag == "option" and self._fields is not None and self._select and given.get("value"):
            self._fields[self._select] = self._fields[self._select] or given["value"]

    def _field(self, tag: str, given: dict[str, str]) -> None:
        assert self._fields is not None
        self._select = given["name"] if tag == "select" else ""
        if given.get("type") not in {"radio", "checkbox"} or "checked" in given or given["name"] not in self._fields:
            self._fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._fields = None
        if tag == "select":
            self._select = ""
