"""The mapping file: what is right, and what is said of what is wrong."""

from pathlib import Path

import pytest

from services.importer.mapping import parse_mapping, read_mapping
from shared.errors import ConfigurationError
from tests.importer.mappings import EVENT, mapping, mapping_text


def problems(text: str) -> list[str]:
    """The lines of the error that a mapping gives."""
    with pytest.raises(ConfigurationError) as caught:
        parse_mapping(text, "mapping.toml")
    return str(caught.value).splitlines()


def test_a_mapping_knows_its_source_and_columns():
    """The name becomes the source; the columns are those of all templates, once, without the row number."""
    read = mapping(event='subject = ["{PLACE}", "{ID}"]\nstep = "{#}"\nwhen = [{ value = "{KIND}", not_empty = true }]')
    assert read.source == "/import/test"
    assert read.columns == ("KIND", "ID", "TIME", "PLACE")
    assert (read.delimiter, read.encoding, read.format, read.zone) == (",", "utf-8", None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("name = ", "mapping.toml: not valid TOML", id="toml"),
        pytest.param(
            mapping_text(top="time_zone = 'UTC'"), "line 2: time_zone: unknown key; did you mean `timezone`?", id="key"
        ),
        pytest.param(
            mapping_text(top='timezone = "Mars/Olympus"'), "line 2: timezone: 'Mars/Olympus' is not", id="zone"
        ),
        pytest.param(mapping_text(top='timezone = "America"'), "line 2: timezone: 'America' is not", id="zone-folder"),
        pytest.param(mapping_text(top='timezone = "../etc/passwd"'), "line 2: timezone:", id="zone-path"),
        pytest.param(
            mapping_text(top='format = "xlsx"'), "line 2: format: expected one of csv, xes, ndjson", id="format"
        ),
        pytest.param(mapping_text(top='delimiter = ";;"'), "line 2: delimiter: expected one character", id="delimiter"),
        pytest.param(mapping_text(top='encoding = "utf-99"'), "line 2: encoding: 'utf-99'", id="encoding"),
        pytest.param(mapping_text(top='encoding = "base64"'), "line 2: encoding: 'base64'", id="not-a-text-encoding"),
        pytest.param(mapping_text(top="missing = 'n/a'"), "line 2: missing: expected a list of texts", id="missing"),
        pytest.param('name = "x"', "line 1: event: a mapping needs at least one [[event]]", id="no-event"),
        pytest.param(EVENT, "line 1: name: expected a name", id="no-name"),
        pytest.param('name = "a b"\n' + EVENT, "line 1: name: expected a name", id="bad-name"),
        pytest.param(
            'name = "x"\n[[event]]\ntype = "a.b"\nid = "{ID}"\nservice = "s"',
            "line 2: [[event]] 1, time: missing",
            id="no-time",
        ),
        pytest.param(
            mapping_text(event='channels = "web"'), "line 9: [[event]] 1, channels: unknown key; did you", id="field"
        ),
        pytest.param(mapping_text(event='channel = "pigeon"'), "`pigeon` is not a channel", id="channel"),
        pytest.param(
            mapping_text(event='channel = { value = "{C}", map = { A = "fax" } }'),
            "`fax` is not a channel",
            id="mapped-channel",
        ),
        pytest.param(mapping_text(event='step = "{A"'), "line 9: [[event]] 1, step: `{A` has a brace", id="brace"),
        pytest.param(mapping_text(event="step = []"), "step: expected at least one template", id="no-template"),
        pytest.param(mapping_text(event="step = 2020-01-01"), "step: expected a text", id="toml-date"),
        pytest.param(
            mapping_text(event="step = { map = { a = 'b' } }"), "step: the table needs `value`", id="no-value"
        ),
        pytest.param(
            mapping_text(event="rating = { value = '{R}', number = true, map = { a = 1 } }"),
            "rating: takes one of map, format and number, found map and number",
            id="two-ways",
        ),
        pytest.param(
            mapping_text(event="step = { value = '{R}', otherwise = 'x' }"),
            "`otherwise` goes with `map`",
            id="otherwise",
        ),
        pytest.param(
            mapping_text(event="step = { value = '{R}', maps = {} }"),
            "step.maps: unknown key; did you mean `map`?",
            id="way",
        ),
        pytest.param(
            mapping_text(event="due = { value = '{D}', format = '%d.%m' }"), "due.format: it must hold", id="date"
        ),
        pytest.param(mapping_text(event="due = { value = '{D}', format = '%F' }"), "due.format: ", id="directive"),
        pytest.param(
            mapping_text(event="due = { value = '{D}', format = '%d.%m.%Y' }"),
            "due.format: it holds no %z: the mapping needs `timezone`",
            id="format-without-zone",
        ),
        pytest.param(mapping_text(event="when = { value = '{A}' }"), "when: expected a list of tables", id="when"),
        pytest.param(
            mapping_text(event="when = [{ value = '{A}' }]"), "when: each entry needs `value` and one of", id="test"
        ),
        pytest.param(
            mapping_text(event="when = [{ value = '{A}', matches = '(' }]"), "is not a regular expression", id="regex"
        ),
        pytest.param(mapping_text(event="when = [{ value = '{A}', is = 'x' }]"), "when.is: unknown key", id="when-key"),
        pytest.param(mapping_text(event="attributes = 'x'"), "attributes: expected a table", id="attributes"),
        pytest.param(
            mapping_text(base=EVENT.replace("contact.made", "clock.ticked")),
            "`clock.ticked` is reserved for the platform",
            id="reserved-type",
        ),
    ],
)
def test_what_is_wrong_is_said_with_line_and_key(text: str, expected: str):
    """Each error names the line, the key and what was expected."""
    assert any(expected in line for line in problems(text)), problems(text)


def test_everything_wrong_is_said_at_once():
    """A mapping with several errors gives them all, in the order of the file."""
    found = problems(mapping_text(top='encoding = "x"\nformat = "y"', event='rating = "{"\n[[event]]\nid = "{X}"'))
    assert [line.split(",")[1].split(":")[0].strip() for line in found] == [
        "line 2",
        "line 3",
        "line 10",
        "line 11",
        "line 11",
        "line 11",
    ]


def test_the_line_is_that_of_the_right_event():
    """A key that several events have is reported where it is wrong."""
    text = mapping_text(event='step = "{A}"') + EVENT + 'step = "{B"\n'
    assert problems(text) == [
        "mapping.toml, line 16: [[event]] 2, step: `{B` has a brace that is not part of a {COLUMN}"
    ]


def test_tables_may_be_written_out():
    """A field may be a table with a header of its own; its errors point there."""
    written = EVENT + '[event.channel]\nvalue = "{C}"\n[event.channel.map]\nA = "web"\n'
    assert mapping(base=written).events[0].fields["channel"].table == {"A": "web"}
    assert problems(mapping_text(base=written.replace("web", "wob")))[0].startswith("mapping.toml, line 9: ")


def test_a_file_that_cannot_be_read(tmp_path: Path):
    """A missing file, a folder and a text that is not UTF-8 are one clear line each."""
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    for name in ("absent.toml", ".", "latin.toml"):
        with pytest.raises(ConfigurationError, match="cannot be read"):
            read_mapping(tmp_path / name)


def test_a_byte_order_mark_is_dropped(tmp_path: Path):
    """A mapping saved with a byte-order mark is read like any other."""
    path = tmp_path / "mapping.toml"
    path.write_text(mapping_text(), encoding="utf-8-sig")
    assert read_mapping(path).name == "test"


def test_constants_of_toml_are_taken_as_texts():
    """Numbers and truth values of TOML stand for the texts that a cell would hold."""
    read = mapping(event="invited = true\nrating = { value = '{R}', map = { good = 5, bad = 1.5 } }")
    assert read.events[0].fields["rating"].table == {"good": "5", "bad": "1.5"}
    assert read.events[0].fields["invited"].templates[0].parts == ("true",)
