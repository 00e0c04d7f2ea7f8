"""Templates: text with cells in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.importer.templates import TemplateError, compile_template, first_not_empty, parse_template

COLUMNS = {"A": 0, "B C": 1, "case:x": 2, "#": 3}


def rendered(text: str, *cells: str) -> str:
    """The text of a template over the cells of A, `B C`, `case:x` and the row number."""
    return compile_template(parse_template(text), COLUMNS)(cells)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ("{A}", "a"),
        ("{ A }", "a"),
        ("{B C}-made", "b-made"),
        ("{A}{case:x}", "ac"),
        ("x/{A}/{B C}/y", "x/a/b/y"),
        ("row-{#}", "row-7"),
    ],
)
def test_cells_replace_placeholders(template: str, expected: str):
    """Each placeholder is replaced by its cell, `#` by the row number; the rest stays."""
    assert rendered(template, "a", "b", "c", "7") == expected


def test_an_empty_placeholder_makes_the_template_empty():
    """A template of which one placeholder is empty is empty as a whole, wherever it stands."""
    assert rendered("x-{A}-{B C}", "a", "", "c", "1") == ""
    assert rendered("x-{A}-{B C}", "", "b", "c", "1") == ""


@pytest.mark.parametrize("template", ["{A", "A}", "{}", "{ }", "{A{B C}}", "a}{b"])
def test_stray_braces_are_refused(template: str):
    """A brace that is not part of a placeholder, and a placeholder without a name, are errors."""
    with pytest.raises(TemplateError):
        parse_template(template)


def test_the_columns_of_a_template_are_known():
    """A template tells the columns it needs."""
    assert parse_template("{A}-{#}-{B C}").columns == ("A", "#", "B C")


@pytest.mark.parametrize(("cells", "expected"), [(("a", "b"), "a"), (("", "b"), "b-"), (("", ""), "")])
def test_the_first_text_that_is_not_empty_is_taken(cells: tuple[str, str], expected: str):
    """Of several templates the first that is not empty counts."""
    renders = [compile_template(parse_template(text), COLUMNS) for text in ("{A}", "{B C}-")]
    assert first_not_empty(renders)(cells) == expected


@given(st.lists(st.one_of(st.sampled_from(["A", "B C", "case:x"]), st.text(alphabet="xy /-", min_size=1)), max_size=8))
def test_a_template_is_its_parts_in_order(parts: list[str]):
    """Any sequence of literals and placeholders renders to the sequence of literals and cells."""
    cells = {"A": "1", "B C": "2", "case:x": "3"}
    template = "".join(f"{{{part}}}" if part in cells else part for part in parts)
    assert rendered(template, *cells.values(), "9") == "".join(cells.get(part, part) for part in parts)
