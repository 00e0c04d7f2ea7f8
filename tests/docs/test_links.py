"""Links between the documents lead somewhere."""

from pathlib import Path

import pytest

from tests.docs.pages import ROOT, anchors, links, pages, text


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_to_files_of_the_repository(page: Path) -> None:
    """Every relative link and picture of a page is a file or folder of this repository."""
    broken = [
        str(link) for link in links(page) if not (link.target.exists() and link.target.is_relative_to(ROOT.resolve()))
    ]
    assert broken == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_anchors_of_a_page_exist(page: Path) -> None:
    """Every link to a section of a page names a heading that it has."""
    missing = [
        str(link)
        for link in links(page)
        if link.anchor and link.target.is_file() and link.anchor not in anchors(link.target)
    ]
    assert missing == []


def test_every_page_is_reached_from_the_index() -> None:
    """docs/README.md links every page below docs/."""
    index = ROOT / "docs/README.md"
    linked = {link.target for link in links(index)} | {index}
    below = {page for page in pages() if page.is_relative_to(ROOT / "docs")}
    assert below - linked == set()


def test_decisions_are_numbered_and_have_their_parts() -> None:
    """The pages of docs/decisions are numbered from 1 without a gap, and each has context, decision and consequences."""
    found = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [path.name[:4] for path in found] == [f"{number:04}" for number in range(1, len(found) + 1)]
    for path in found:
        page = path.read_text(encoding="utf-8")
        assert page.startswith(f"# {int(path.name[:4])}. ")
        assert [part for part in ("**Context.**", "**Decision.**", "**Consequences.**") if part not in page] == []


def test_the_index_tells_the_title_of_each_decision() -> None:
    """docs/README.md lists every decision under its own title."""
    for path in sorted((ROOT / "docs/decisions").glob("*.md")):
        title = path.read_text(encoding="utf-8").splitlines()[0].partition(". ")[2]
        assert f"- [{path.name[:4]}](decisions/{path.name}): {title}" in text("docs/README.md")
