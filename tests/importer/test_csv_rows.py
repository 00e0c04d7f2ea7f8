"""Rows of a CSV file."""

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.importer.row import BadRow, Row
from services.importer.rows import open_rows
from shared.errors import ConfigurationError
from tests.importer.mappings import EVENT, mapping

HEADER = "ID,TIME,NOTE\n"
WITH_NOTE = EVENT + 'step = "{NOTE}"\n'


def rows(path: Path, content: str | bytes, *, top: str = "", base: str = WITH_NOTE) -> list[Row | BadRow]:
    """All rows of a file with the content; its cells are ID, TIME, NOTE and the row number."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with open_rows(path, mapping(top=top, base=base)) as reader:
        assert list(reader.columns) == ["ID", "TIME", "NOTE"][: len(reader.columns)]
        return list(reader.rows())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file lies."""
    return tmp_path / "file.csv"


def test_cells_come_in_the_order_of_the_mapping_and_stripped(path: Path):
    """Only the columns of the mapping are given, in its order, stripped, the row number last."""
    found = rows(path, "NOTE,X,TIME,ID\n n ,x, t\t, i\u00a0\nm,y,u,j\n")
    assert found == [Row(2, 1, ["i", "t", "n", "1"]), Row(3, 2, ["j", "u", "m", "2"])]


def test_missing_cells_are_empty(path: Path):
    """What the mapping calls missing is empty, in any column, as a whole cell only."""
    found = rows(path, HEADER + "1, n/a ,EMPTY\nEMPTY,t,EMPTYISH\n", top='missing = ["n/a", "EMPTY"]')
    assert [row.cells for row in found if isinstance(row, Row)] == [["1", "", "", "1"], ["", "t", "EMPTYISH", "2"]]


def test_a_row_of_the_wrong_length_is_bad_and_reading_goes_on(path: Path):
    """Too few or too many cells: rejected with its line; the rows around it are read."""
    found = rows(path, HEADER + "1,t,n\n2,t\n3,t,n,x\n4,t,n\n")
    assert [(type(row), row.line, row.number) for row in found] == [
        (Row, 2, 1),
        (BadRow, 3, 2),
        (BadRow, 4, 3),
        (Row, 5, 4),
    ]
    assert [row.reason for row in found if isinstance(row, BadRow)] == ["row_length", "row_length"]


def test_lines_are_counted_through_quoted_cells_and_blank_lines(path: Path):
    """A row is named by the line it begins on; blank lines are no rows."""
    found = rows(path, HEADER + '1,t,"a\nb\nc"\n\n2,t,n\r\n\r\n3,t,n')
    assert [(row.line, row.number) for row in found] == [(2, 1), (6, 2), (8, 3)]
    assert isinstance(found[0], Row)
    assert found[0].cells[2] == "a\nb\nc"


def test_a_quote_left_open_loses_only_what_it_swallows(path: Path):
    """A quote that never closes makes one bad row; after it, reading starts afresh at a line."""
    swallowed = "".join(f"{number},t,{'n' * 90}\n" for number in range(2_000))
    found = rows(path, HEADER + '1,t,n\n2,t,"oops\n' + swallowed)
    bad = [row for row in found if isinstance(row, BadRow)]
    assert [(row.line, row.reason) for row in bad] == [(3, "row_unreadable")]
    assert len([row for row in found if isinstance(row, Row)]) > 500
    assert isinstance(found[-1], Row)
    assert found[-1].cells[0] == "1999"


@pytest.mark.parametrize(
    ("content", "top"),
    [
        pytest.param((HEADER + "é,t,n\n").encode("utf-8-sig"), "", id="utf-8-with-mark"),
        pytest.param(('"ID",TIME,NOTE\né,t,n\n').encode("utf-8-sig"), "", id="mark-before-a-quote"),
        pytest.param((HEADER + "é,t,n\n").encode("utf-16"), 'encoding = "utf-16"', id="utf-16"),
        pytest.param((HEADER + "é,t,n\n").encode("latin-1"), 'encoding = "iso-8859-1"', id="latin-1"),
        pytest.param((HEADER + "é,t,n\n").replace(",", ";").encode(), 'delimiter = ";"', id="semicolon"),
        pytest.param((HEADER + "é,t,n\n").replace(",", "\t").encode(), 'delimiter = "\\t"', id="tab"),
        pytest.param(b"\n\n" + (HEADER + "é,t,n\n").encode(), "", id="blank-lines-first"),
    ],
)
def test_encodings_and_delimiters(path: Path, content: bytes, top: str):
    """The mapping's encoding and delimiter are used; a byte-order mark is dropped."""
    assert [row.cells for row in rows(path, content, top=top) if isinstance(row, Row)] == [["é", "t", "n", "1"]]


def test_a_compressed_file(tmp_path: Path):
    """A name that ends in .gz is read through gzip."""
    found = rows(tmp_path / "file.csv.gz", gzip.compress((HEADER + "1,t,n\n").encode()))
    assert found == [Row(2, 1, ["1", "t", "n", "1"])]


@pytest.mark.parametrize(
    ("name", "content", "top", "why"),
    [
        pytest.param("file.csv", b"", "", "is empty", id="empty"),
        pytest.param("file.csv", b"\n\n", "", "is empty", id="blank"),
        pytest.param("file.csv", b"ID,WHEN,NOTE\n1,t,n\n", "", 'no column "TIME".*"WHEN"', id="no-column"),
        pytest.param("file.csv", b"ID,TIME,NOTE,ID\n1,t,n,1\n", "", 'more than one column "ID"', id="twice"),
        pytest.param("file.csv", HEADER.encode("utf-16"), "", "no column", id="other-encoding"),
        pytest.param("file.csv", b"\xff\xfeI\x00D", 'encoding = "utf-16"', "is not utf-16", id="half-a-character"),
        pytest.param("file.csv.gz", b"plain text", "", "not a whole gzip file", id="not-gzip"),
        pytest.param("file.csv.gz", gzip.compress((HEADER + "1,t,n\n" * 9).encode())[:-9], "", "gzip", id="cut-gzip"),
        pytest.param("file.txt", b"", "", "name does not tell the format", id="no-format"),
        pytest.param("file.xes.gz", b"", "", "xes cannot be imported yet; supported: csv", id="xes"),
        pytest.param(
            "file.csv", b"", 'format = "ndjson"', "ndjson cannot be imported yet; supported: csv", id="ndjson"
        ),
    ],
)
def test_a_file_that_cannot_be_read_stops_the_import(tmp_path: Path, name: str, content: bytes, top: str, why: str):
    """An error of the file as a whole is one clear line, with exit status 2."""
    with pytest.raises(ConfigurationError, match=why) as caught:
        rows(tmp_path / name, content, top=top)
    assert caught.value.exit_status == 2
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder(tmp_path: Path):
    """A file that is not there, or is none, is one clear line."""
    for path in (tmp_path / "absent.csv", tmp_path):
        with pytest.raises(ConfigurationError, match=r"cannot be read|does not tell"), open_rows(path, mapping()):
            pass


def test_progress_reaches_the_size_of_the_file(path: Path):
    """The position grows to the size on the disk, also of a compressed file."""
    packed = path.with_suffix(".csv.gz")
    packed.write_bytes(gzip.compress((HEADER + "1,t,n\n" * 5_000).encode()))
    with open_rows(packed, mapping()) as reader:
        assert sum(1 for _ in reader.rows()) == 5_000
        assert reader.position_bytes() == reader.size_bytes == packed.stat().st_size


CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=10))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, table: list[tuple[str, str, str]]):
    """Whatever a CSV writer wrote, quotes, line breaks and odd characters included, is read back, but for the blanks around."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["ID", "TIME", "NOTE"])
    writer.writerows(table)
    found = rows(tmp_path_factory.getbasetemp() / "round-trip.csv", text.getvalue())
    assert [row.cells[:3] for row in found if isinstance(row, Row)] == [[cell.strip() for cell in row] for row in table]
