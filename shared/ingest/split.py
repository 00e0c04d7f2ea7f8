"""Telling the elements of a JSON array apart when the array as a whole cannot be decoded.

One element that no decoder takes (NaN, brackets nested beyond its stack, bytes that are not UTF-8) must not lose the others. This
looks at strings, brackets and commas only, in one pass, without recursion; whether an element is JSON is judged later.
"""

import re
from itertools import islice
from typing import Final

_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[{]++|[\]}]++|,', re.DOTALL)
_MAX_TOKENS: Final = 2_000_000
"""Bounds the time; 10,000 events of 500 bytes have half as many. What stands behind them counts as one element."""
_BLANKS: Final = b" \t\r\n"


def split_array(body: bytes, limit: int) -> list[bytes]:
    """The elements of the array that `body` begins with, stripped, in order; at most `limit` + 1 of them.

    What follows the array's closing bracket, and an element that is never closed, count as one element each. Empty when
    the body does not begin with `[`.
    """
    start = len(body) - len(body.lstrip(_BLANKS))
    if body[start : start + 1] != b"[":
        return []
    elements: list[bytes] = []
    begin = start + 1
    depth = 1
    for token in islice(_TOKEN.finditer(body, begin), _MAX_TOKENS):
        first = body[token.start()]
        if first in b"[{":
            depth += token.end() - token.start()
        elif first in b"]}":
            closed = token.end() - token.start()
            if closed >= depth:
                end = token.start() + depth - 1
                return _with_rest(elements, body[begin:end], body[end + 1 :])
            depth -= closed
        elif first == 0x2C and depth == 1:
            elements.append(body[begin : token.start()].strip(_BLANKS))
            begin = token.end()
            if len(elements) > limit:
                return elements
    return _with_rest(elements, body[begin:], b"")


def _with_rest(elements: list[bytes], last: bytes, rest: bytes) -> list[bytes]:
    last, rest = last.strip(_BLANKS), rest.strip(_BLANKS)
    if last or elements:
        elements.append(last)
    if rest:
        elements.append(rest)
    return elements
