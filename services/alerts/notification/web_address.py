"""What an address of the web must be to be sent to."""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

MAX_URL_CHARS: Final = 2_048
_PLAIN: Final = re.compile(r"[\x21-\x7e]+")
_HOST: Final = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")


def address_problem(url: str) -> str:
    """What is wrong with the address, '' if nothing is."""
    if len(url) > MAX_URL_CHARS or not _PLAIN.fullmatch(url):
        return f"expected a web address in ASCII without spaces, at most {MAX_URL_CHARS} characters"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        return f"not a web address: {error}"
    if parts.scheme not in {"http", "https"} or port == 0:
        return "expected a web address that begins with https:// or http://"
    return _parts_problem(parts)


def base_problem(url: str) -> str:
    """What is wrong with an address that paths are added to, '' if nothing is."""
    return address_problem(url) or ("a path is added to the address: it cannot hold a ?" if "?" in url else "")


def _parts_problem(parts: SplitResult) -> str:
    if parts.username is not None or parts.password is not None:
        return "the address holds a user name or password; secrets do not stand in this file"
    if not parts.hostname or not _HOST.fullmatch(parts.hostname):
        return "the address has no host name that can be used (write international names in their xn-- form)"
    if parts.fragment:
        return "the address holds a part after #, which is never sent"
    return ""
