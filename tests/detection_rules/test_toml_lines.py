"""Where the keys of a TOML text stand."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.detection.toml_lines import key_lines, line_of

TEXT = '''# a comment = 1
top = """
[not.a.table]
not_a_key = 1
"""

[long_wait]  # [not.this]
enabled = true

  [ "long_wait" . limit_s ]
"phone" = 1
list = [
  1, # ] and "
  2,
]
'service x'."y.z".count = { a = 1, b = { c = 2 } }
[[many]]
a = 1
[[many]]
a = 2
'''


def test_keys_have_the_line_they_are_written_on() -> None:
    """Headers, dotted and quoted keys, and keys after values of several lines have their own line."""
    tomllib.loads(TEXT)
    assert key_lines(TEXT) == {
        ("top",): 2,
        ("long_wait",): 7,
        ("long_wait", "enabled"): 8,
        ("long_wait", "limit_s"): 10,
        ("long_wait", "limit_s", "phone"): 11,
        ("long_wait", "limit_s", "list"): 12,
        ("long_wait", "limit_s", "service x"): 16,
        ("long_wait", "limit_s", "service x", "y.z"): 16,
        ("long_wait", "limit_s", "service x", "y.z", "count"): 16,
        ("many",): 17,
        ("many", "a"): 18,
    }


def test_windows_line_ends_count_once() -> None:
    """A text with CRLF has the same lines."""
    assert key_lines("a = 1\r\nb = 2\r\n") == {("a",): 1, ("b",): 2}


@pytest.mark.parametrize(
    ("path", "line"), [(("a",), 2), (("a", "b"), 3), (("a", "b", "c", "d"), 3), (("a", "x"), 2), (("z",), 1), ((), 1)]
)
def test_a_key_without_a_line_has_that_of_its_table(path: tuple[str, ...], line: int) -> None:
    """What is inside an inline table has the line of the table; what is nowhere has the first."""
    assert line_of(path, key_lines("\n[a]\nb = { c = 1 }")) == line


STRINGS = st.sampled_from(
    ['"a"', '"\\"#["', "'x]='", '""', "''", '"""\n[x]\ny = "1" \\""""', "'''\n#'''", '""""q"""""', "'''a''''"]
)
VALUES = st.recursive(
    st.sampled_from(["1", "true", "1979-05-27T07:32:00Z", "-0.5"]) | STRINGS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda each: "[ # c ]\n" + ",\n".join(each) + "\n]")
        | st.lists(inner.filter(lambda value: "\n" not in value), max_size=3).map(
            lambda each: "{" + ", ".join(f"k{number} = {value}" for number, value in enumerate(each)) + "}"
        )
    ),
    max_leaves=6,
)


@given(st.lists(st.tuples(st.sampled_from(["", "\n", "# [c] = '\n"]), VALUES), max_size=8))
def test_every_key_of_any_text_is_found(parts: list[tuple[str, str]]) -> None:
    """Whatever values stand between, each key has the line on which it is written."""
    text, expected = "", dict[tuple[str, ...], int]()
    for number, (before, value) in enumerate(parts):
        text += before + f"[t{number}]\n"
        expected[(f"t{number}",)] = text.count("\n")
        text += f"key = {value} # end\n"
        expected[(f"t{number}", "key")] = expected[(f"t{number}",)] + 1
    document: dict[str, Any] = tomllib.loads(text)
    assert key_lines(text) == expected
    assert len(document) == len(parts)
