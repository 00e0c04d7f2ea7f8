"""Split a file of SQL into its statements: a semicolon in a string, a quoted name or a comment ends nothing."""

import re
from typing import Final

_PIECE: Final = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*.*?\*/ )
    | (?P<quoted> '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.)*" | `(?:[^`\\]|\\.)*` )
    | (?P<end> ; )
    | (?P<text> [^;'"`/-]+ | . )
    """,
    re.VERBOSE | re.DOTALL,
)


def split_statements(sql: str) -> list[str]:
    """The statements in order, without comments and without the semicolons; empty ones are left out."""
    statements: list[str] = []
    pieces: list[str] = []
    for match in _PIECE.finditer(sql):
        if match.lastgroup == "end":
            statements.append("".join(pieces).strip())
            pieces = []
        elif match.lastgroup != "comment":
            pieces.append(match.group())
    statements.append("".join(pieces).strip())
    return [statement for statement in statements if statement]
