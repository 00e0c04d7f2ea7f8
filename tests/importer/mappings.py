"""Small mappings for tests."""

from services.importer.mapping import Mapping, parse_mapping

EVENT = """
[[event]]
type = "contact.made"
id = "{ID}"
time = "{TIME}"
service = "parking"
"""


def mapping(*, top: str = "", event: str = "", base: str = EVENT) -> Mapping:
    """A mapping named `test` with one event, and what the test adds to the top and to the event."""
    return parse_mapping(mapping_text(top=top, event=event, base=base), "mapping.toml")


def mapping_text(*, top: str = "", event: str = "", base: str = EVENT) -> str:
    """Its text."""
    return f'name = "test"\n{top}\n{base}{event}\n'
