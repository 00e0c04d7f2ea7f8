"""Reading a file of settings in TOML, and the words for what stands in it where something else should."""

import re
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Final

from shared.errors import ConfigurationError

_AT_LINE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_KINDS: Final = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    dict: "a table",
    list: "a list",
}


def load_toml(text: str, name: str) -> dict[str, Any]:
    """The content of the file `name`. Raises `ConfigurationError` with the line where it is not TOML."""
    try:
        return tomllib.loads(text)
    except ValueError as error:  # also what Python raises for a number of thousands of digits
        at = _AT_LINE.search(str(error))
        line = at[1] if at and at[1] else text.count("\n") + 1
        raise ConfigurationError(f"{name}, line {line}: not valid TOML: {_AT_LINE.sub('', str(error))}") from error
    except RecursionError as error:
        raise ConfigurationError(f"{name}, line 1: nested too deeply") from error


def kind_of(value: object) -> str:
    """What a value is, in words."""
    return _KINDS.get(type(value), "a date or time")


def meant(word: str, known: Iterable[str]) -> str:
    """Of a name that is none: the one that was probably meant, else all that are known."""
    names = list(known)
    close = get_close_matches(word, names, n=1)
    return f'did you mean "{close[0]}"?' if close else f"known: {', '.join(names) or 'none'}"
