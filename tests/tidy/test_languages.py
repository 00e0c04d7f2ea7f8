"""Everything that people read in the application exists in French and in English."""

import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import services
import shared
from services.insights.language import read_catalogue

INSIGHTS = Path(services.__file__).parent / "insights"
PLACEHOLDER = re.compile(r"%\((\w+)\)[a-z]")


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    """The French translations."""
    return read_catalogue("fr")


def test_a_message_is_translated_in_one_place() -> None:
    """No message stands in two of the files that hold translations."""
    seen: dict[Any, str] = {}
    for path in sorted((INSIGHTS / "locale/fr/LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale="fr"):
                assert not message.id or message.id not in seen, (message.id, path.name, seen[message.id])
                seen[message.id] = path.name


def used() -> set[str]:
    """The messages of templates and modules (a plural's singular stands for both)."""
    methods = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext:babel_extract")]
    keywords = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}
    found = extract_from_dir(INSIGHTS, method_map=methods, keywords=keywords)
    return {message if isinstance(message, str) else message[0] for _, _, message, _, _ in found}


def test_every_text_of_the_interface_is_translated(catalogue: Catalog) -> None:
    """Each message of the templates and of the code has a French text, and none is only guessed."""
    messages = used()
    assert messages
    missing = {message for message in messages if not (found := catalogue.get(message)) or not translated(found)}
    assert missing == set()
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []


def translated(message: Message) -> bool:
    """Whether every form of the message has a text."""
    forms = [message.string] if isinstance(message.string, str) else list(message.string)
    return all(forms)


def test_translations_keep_the_placeholders(catalogue: Catalog) -> None:
    """A French text has the values of its English one (of a plural, either form may spell the number out)."""
    wrong = [
        message.id
        for message in catalogue
        if isinstance(message.id, str)
        and message.id
        and sorted(PLACEHOLDER.findall(message.id)) != sorted(PLACEHOLDER.findall(message.string))
    ]
    assert wrong == []


def texts_of(value: Any, where: str) -> Iterator[tuple[str, str, str]]:
    """(where, French, English) of every pair of texts in a value: objects with `fr` and `en`, however deep."""
    french, english = getattr(value, "fr", None), getattr(value, "en", None)
    if isinstance(french, str) and isinstance(english, str):
        yield where, french, english
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from texts_of(each, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from texts_of(each, f"{where}.{number}")
    elif isinstance(value, msgspec.Struct):
        yield from texts_of(msgspec.structs.asdict(value), where)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from texts_of({field.name: getattr(value, field.name) for field in dataclasses.fields(value)}, where)


def test_texts_in_the_code_exist_in_both_languages() -> None:
    """Reasons of refusals, declarations of rules, sentences: each pair of texts has both, and they differ."""
    pairs: dict[str, tuple[str, str]] = {}
    for package in (shared, services):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not module.name.endswith("__main__"):
                for name, value in vars(importlib.import_module(module.name)).items():
                    if not name.startswith("__"):
                        for where, french, english in texts_of(value, f"{module.name}.{name}"):
                            pairs[where] = (french, english)
    assert len(pairs) > 100
    same = {where for where, (french, english) in pairs.items() if french == english and " " in french}
    empty = {where for where, texts in pairs.items() if not all(text.strip() for text in texts)}
    assert same | empty == set()
