"""Playbooks: one for each cause in both languages, short, careful; a site's own over them; shown without any HTML of theirs."""

import logging
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import services.alerts.playbooks as shipped
from services.alerts.notification.markdown import title_of, to_html
from services.alerts.notification.playbooks import LANGUAGES, MAX_BYTES, Playbooks
from services.alerts.notification.settings_reader import read
from services.alerts.notification.titles import CAUSES
from shared.errors import ConfigurationError

FOLDER = Path(next(iter(shipped.__path__)))
SECTIONS = {
    "fr": ["À vérifier", "Qui prévenir", "Dire aux personnes concernées", "Dire aux équipes"],
    "en": ["Check", "Call", "Tell citizens", "Tell staff"],
}
HARSH = re.compile(
    r"\b(faute de|coupable\w*|incompéten\w*|fraud\w*|négligen\w*|paress\w*|stupid\w*|blame|guilty|lazy|careless\w*|incompeten\w*|"
    r"sanction\w*|punish\w*)\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CAUSES)
def test_each_cause_has_a_playbook(name: str, language: str) -> None:
    """What to check, whom to call, what to tell citizens and staff, in fifteen to thirty lines."""
    playbook = Playbooks().get(name, language)
    assert playbook is not None
    lines = playbook.text.splitlines()
    assert 15 <= len(lines) <= 30
    assert [line[3:] for line in lines if line.startswith("## ")] == SECTIONS[language]
    assert playbook.title == lines[0].removeprefix("# ")
    assert not playbook.from_site
    assert HARSH.search(playbook.text) is None
    assert "<" not in playbook.text
    assert sum(line.startswith("- ") for line in lines) >= 8


@pytest.mark.parametrize("name", CAUSES)
def test_both_languages_say_the_same_things(name: str) -> None:
    """As many points in each part."""

    def points(language: str) -> list[int]:
        playbook = Playbooks().get(name, language)
        assert playbook is not None
        return [part.count("\n- ") for part in playbook.text.split("\n## ")]

    assert points("fr") == points("en")


def test_no_file_is_left_over() -> None:
    """The folder holds the playbooks of the causes and nothing else."""
    for language in LANGUAGES:
        assert {file.name for file in (FOLDER / language).iterdir()} == {f"{name}.md" for name in CAUSES}


def test_a_site_lays_its_own_over_file_by_file(tmp_path: Path) -> None:
    """One that it wrote is shown, in the language it wrote it in; the others stay; a change shows at once."""
    (tmp_path / "fr").mkdir()
    file = tmp_path / "fr/long_wait.md"
    file.write_text("# Attente à la mairie\n\nAppeler le 01.\n", encoding="utf-8")
    site = Playbooks(site=tmp_path)
    site.check()
    own = site.get("long_wait", "fr")
    assert own is not None
    assert (own.title, own.from_site) == ("Attente à la mairie", True)
    for name, language in (("long_wait", "en"), ("lag", "fr")):
        other = site.get(name, language)
        assert other is not None
        assert not other.from_site
    file.write_text("Sans titre.", encoding="utf-8")
    changed = site.get("long_wait", "fr")
    assert changed is not None
    assert changed.title == "long_wait"
    assert changed.html() == "<p>Sans titre.</p>"


def test_a_name_is_never_a_path() -> None:
    """Only causes are asked for; an unknown language is English."""
    for name in ("../../../etc/passwd", "long_wait/../lag", "", "LAG", "lag.md"):
        assert Playbooks().get(name, "fr") is None
    found = Playbooks().get("lag", "../fr")
    assert found is not None
    assert found.language == "en"


def test_files_that_would_never_be_shown_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A misspelt name, a file that is too long or no text: told at the start, and the shipped one shown meanwhile."""
    (tmp_path / "en").mkdir()
    (tmp_path / "en/long_wiat.md").write_text("# x", encoding="utf-8")
    (tmp_path / "en/lag.md").write_bytes(b"x" * (MAX_BYTES + 1))
    (tmp_path / "en/silence.md").write_bytes(b"\xff")
    with pytest.raises(ConfigurationError) as caught:
        Playbooks(tmp_path).check()
    told = str(caught.value).splitlines()
    assert [Path(line.split(":")[0]).name for line in told] == ["lag.md", "long_wiat.md", "silence.md"]
    with caplog.at_level(logging.WARNING):
        found = Playbooks(tmp_path).get("lag", "en")
    assert found is not None
    assert not found.from_site
    assert "cannot be shown" in caplog.text
    assert read({"playbooks": str(tmp_path)}, lambda _: 1).playbooks == tmp_path


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("# A\n## B\n#### D", "<h1>A</h1>\n<h2>B</h2>\n<h4>D</h4>"),
        ("one\ntwo\n\nthree", "<p>one two</p>\n<p>three</p>"),
        ("- a\n- b\n  more\n\nafter", "<ul><li>a</li><li>b more</li></ul>\n<p>after</p>"),
        ("1. a\n2) b", "<ol><li>a</li><li>b</li></ol>"),
        ("intro\n- a", "<p>intro</p>\n<ul><li>a</li></ul>"),
        ("- a\nplain", "<ul><li>a</li></ul>\n<p>plain</p>"),
        ("**a** *b* `c < d`", "<p><strong>a</strong> <em>b</em> <code>c &lt; d</code></p>"),
        ("`**a**`", "<p><code>**a**</code></p>"),
        ("[x](https://example.org/a?b=1&c=2)", '<p><a href="https://example.org/a?b=1&amp;c=2">x</a></p>'),
        ("[x](/points?rule=a)", '<p><a href="/points?rule=a">x</a></p>'),
        ("[x](tel:+33123)", '<p><a href="tel:+33123">x</a></p>'),
        ("[x](mailto:a@example.org)", '<p><a href="mailto:a@example.org">x</a></p>'),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("[x](javascript:alert)", "<p>[x](javascript:alert)</p>"),
        ("[x](//evil.example)", "<p>[x](//evil.example)</p>"),
        ("[x](/\\evil.example)", "<p>[x](/\\evil.example)</p>"),
        ("[x](data:text/html,x)", "<p>[x](data:text/html,x)</p>"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ('[<b>](/x"onclick=1)', "<p>[&lt;b&gt;](/x&quot;onclick=1)</p>"),
        ("5 * 3 < 20 & 2*2", "<p>5 * 3 &lt; 20 &amp; 2*2</p>"),
        ("#no heading", "<p>#no heading</p>"),
        ("", ""),
    ],
)
def test_a_small_part_of_markdown(text: str, html: str) -> None:
    """Headings, paragraphs, lists, emphasis, code, links to safe addresses; all else is text."""
    assert to_html(text) == html


def test_headings_fit_into_a_page() -> None:
    """The page has a first heading of its own; the title is the text's first."""
    assert to_html("# A\n## B", first_level=2) == "<h2>A</h2>\n<h3>B</h3>"
    assert title_of("\n  # A b \n# C") == "A b"
    assert title_of("none") == ""


class Tags(HTMLParser):
    """Collects what a browser would see as elements."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.seen.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """It closes the last."""
        assert self.open.pop() == tag


@given(st.text(alphabet=st.sampled_from("ab <>&\"'`*[]()#-\n/1.:\\jhtps"), max_size=200))
def test_no_text_becomes_another_element(text: str) -> None:
    """Whatever is written, only the elements of this subset appear, closed in order, links only to safe addresses."""
    tags = Tags()
    tags.feed(to_html(text))
    tags.close()
    assert tags.open == []
    for tag, attributes in tags.seen:
        assert tag in {"h1", "h2", "h3", "h4", "p", "ul", "ol", "li", "strong", "em", "code", "a"}
        assert set(attributes) <= ({"href"} if tag == "a" else set())
        if tag == "a":
            assert re.match(r"https?://|mailto:|tel:|/(?![/\\])|/$", attributes["href"] or "")
