"""The table of reasons: complete, in both languages."""

import ast
import re
from pathlib import Path

import pytest

from shared.ingest.reasons import EVENT_REASONS, REQUEST_REASONS, TITLES, explain, preferred_language, title
from shared.privacy import pseudonyms

PACKAGE = Path(pseudonyms.__file__).parents[1] / "ingest"
ALL = EVENT_REASONS | REQUEST_REASONS


def raised_reasons() -> set[str]:
    """The literal reasons of every refusal in the source, those of subjects included."""
    found: set[str] = set()
    for path in [*PACKAGE.glob("*.py"), Path(pseudonyms.__file__)]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                place = {"Refused": 0, "InvalidSubject": 0, "RequestRefused": 1}.get(node.func.id)
                if place is not None and isinstance(node.args[place], ast.Constant):
                    found.add(node.args[place].value)
    return found


def test_every_reason_has_its_texts() -> None:
    """What the source raises is in the tables."""
    assert raised_reasons() - set(ALL) == set()
    assert len(raised_reasons()) > 25


@pytest.mark.parametrize("reason", sorted(ALL))
def test_texts_are_in_two_languages(reason: str) -> None:
    """A code in snake case, and a sentence in English and in French."""
    texts = ALL[reason]
    assert re.fullmatch(r"[a-z0-9_]+", reason)
    assert texts.en != texts.fr
    assert all(text.endswith(".") and text[0].isupper() for text in texts)
    assert (explain(reason, "en"), explain(reason, "fr")) == texts


@pytest.mark.parametrize("status", [*TITLES, 418])
def test_titles_are_in_two_languages(status: int) -> None:
    """Also for a status that has none of its own."""
    assert title(status, "en") != title(status, "fr")


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        (None, "en"),
        ("", "en"),
        ("fr", "fr"),
        ("FR-ca", "fr"),
        ("en, fr", "en"),
        ("en;q=0.2, fr;q=0.3", "fr"),
        ("fr;q=0, de", "en"),
        ("fr;level=1", "fr"),
        (",;=,q=;fr", "en"),
        ("x" * 10_000 + ",fr", "en"),
    ],
)
def test_the_language_that_is_wanted_most(header: str | None, lang: str) -> None:
    """By weight, then by order; English when neither is wanted or the header makes no sense."""
    assert preferred_language(header) == lang
