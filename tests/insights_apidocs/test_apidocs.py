"""The documentation of the API is made from its description, is complete, and needs no script."""

import re

import httpx
import pytest

from services.insights.language import load_languages
from services.insights.pages.apidocs import sections


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_operation_stands_in_it_once(client: httpx.Client, language: str):
    """Each method and path of the description has an article with an address of its own, and each tag a heading."""
    document = client.get("/api/v1/openapi.json").json()
    found = [each for section in sections(document, load_languages()[language]) for each in section.operations]
    assert {(each.method.lower(), each.path) for each in found} == {
        (method, path) for path, methods in document["paths"].items() for method in methods
    }
    assert len({each.id for each in found}) == len(found)
    page = client.get(f"/api/docs?lang={language}")
    assert page.status_code == 200
    ids = re.findall(r' id="([^"]+)"', page.text)
    assert len(ids) == len(set(ids))
    assert {each.id for each in found} <= set(ids)
    assert "<script" not in page.text


def test_addresses_that_can_be_opened_answer(client: httpx.Client):
    """Whatever the page links as an example answers without a fault of ours."""
    page = client.get("/api/docs?lang=en").text
    for address in re.findall(r'<code><a href="([^"]+)"', page):
        assert client.get(address).status_code < 500, address


def test_titles_are_in_the_readers_language(client: httpx.Client):
    """Figures are named in French where the pages name them in French; what exists in English only is marked so."""
    page = client.get("/api/docs?lang=fr").text
    assert '<span lang="fr">Contacts et étapes en ligne par canal au fil du temps</span>' in page
    assert 'lang="en"' in page
    assert client.get("/api/docs?page=2").status_code == 422
