"""Text files as laboratories have them: re-saved, cut, in any encoding."""

from __future__ import annotations

import codecs
import contextlib
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from miniscope_nwb.convert.readers import numerals
from miniscope_nwb.convert.readers.text import decode, parse_rows, read_rows, read_text
from miniscope_nwb.errors import RecordingError

HEADER = ["Frame Number", "Time Stamp (ms)", "Buffer Index"]
RELAXED = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def rows_of(data: bytes, **options):
    return parse_rows(decode(data), display="t.csv", **options)


def table_bytes(rows, separator=",", newline="\n", encoding="utf-8") -> bytes:
    text = "".join(separator.join(map(str, row)) + newline for row in rows)
    return text.encode(encoding)


class TestEncodings:
    @pytest.mark.parametrize(
        ("encoding", "expected"),
        [
            ("utf-8", "utf-8"),
            ("utf-8-sig", "utf-8-sig"),
            ("utf-16", "utf-16-le"),
            ("utf-16-le", "utf-16-le"),
            ("utf-16-be", "utf-16-be"),
        ],
    )
    def test_unicode(self, encoding, expected):
        text = "12,Maus läuft – links\n15,stop\n"
        file = decode(text.encode(encoding))
        assert file.text == text
        assert file.encoding == expected
        assert bool(file.remarks) == expected.startswith("utf-16")

    def test_code_page_of_windows(self):
        file = decode("12,Maus läuft – links\n".encode("cp1252"))
        assert file.text == "12,Maus läuft – links\n"
        assert "1252" in file.remarks[0]

    def test_bytes_that_code_page_1252_lacks(self):
        assert decode(b"12,a\x81\xe4\n").text == "12,a\x81ä\n"

    def test_big_endian_mark(self):
        data = codecs.BOM_UTF16_BE + "1,2\n".encode("utf-16-be")
        assert decode(data).text == "1,2\n"

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_nul_tail(self, encoding):
        file = decode("1,2\n3,4\n".encode(encoding) + bytes(512))
        assert file.text == "1,2\n3,4\n"
        assert "NUL" in file.remarks[-1]

    def test_nothing_but_nul(self):
        assert decode(bytes(100)).text == ""

    @pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
    def test_line_ends(self, newline):
        file = decode(f"a{newline}b{newline}".encode())
        assert (file.text, file.newline) == ("a\nb\n", newline)

    def test_character_cut_in_half(self):
        file = decode("äö".encode()[:-1])
        assert file.text == "ä"
        assert "cut" in file.remarks[0]
        file = decode("1,äö".encode("utf-16")[:-1])
        assert file.text == "1,ä"

    def test_missing_file(self, tmp_path):
        with pytest.raises(RecordingError, match=r"a/b\.csv: cannot be read \(No such file"):
            read_text(tmp_path / "b.csv", display="a/b.csv")

    def test_folder_in_place_of_file(self, tmp_path):
        with pytest.raises(RecordingError, match="cannot be read"):
            read_text(tmp_path, display="b.csv")


class TestRows:
    def test_as_the_software_writes(self):
        table = rows_of(table_bytes([HEADER, [0, -12, 0], [1, 38, 3]]))
        assert table.header == tuple(HEADER)
        assert table.rows == [["0", "-12", "0"], ["1", "38", "3"]]
        assert table.line_numbers == [2, 3]
        assert table.remarks == ()
        assert table.find("time stamp (MS)") == 1
        assert table.find("nothing") is None

    def test_without_header_and_with_tabs(self):
        table = rows_of(table_bytes([[0, -12, 0], [1, 38, 3]], "\t"), separators=("\t",))
        assert table.header is None
        assert table.integers(1).tolist() == [-12, 38]
        assert table.remarks == ()

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"separator": ";"}, "semicolon"),
            ({"separator": "\t"}, "tab"),
            ({"newline": "\r\n"}, "CRLF"),
            ({"encoding": "utf-8-sig"}, "byte order mark"),
        ],
    )
    def test_resaved(self, change, words):
        table = rows_of(table_bytes([HEADER, [0, -12, 0], [1, 38, 3]], **change))
        assert table.integers(1).tolist() == [-12, 38]
        assert "re-saved" in table.remarks[0]
        assert words in table.remarks[0]

    def test_separator_line_of_excel(self):
        table = rows_of(b"sep=;\na;b\n1;2\n")
        assert table.header == ("a", "b")
        assert table.rows == [["1", "2"]]
        assert table.line_numbers == [3]

    def test_quotes(self):
        table = rows_of(b'"a","b"\n"1","x, ""y"""\n')
        assert table.rows == [["1", 'x, "y"']]

    def test_unpaired_quote(self):
        with pytest.raises(RecordingError, match=r"t\.csv, line 2: quotes do not pair"):
            rows_of(b'a,b\n"1,2\n3,4\n')
        table = rows_of(b'a,b\n3,4\n"1,2')
        assert table.rows == [["3", "4"]]
        assert "half written" in table.remarks[0]

    def test_blank_lines(self):
        table = rows_of(b"\na,b\n\n1,2\n \n3,4\n\n")
        assert table.rows == [["1", "2"], ["3", "4"]]
        assert table.line_numbers == [4, 6]

    @pytest.mark.parametrize("tail", ["2,", "2", "2,8", "2,81,", "2,81,-"])
    @pytest.mark.parametrize("filler", [b"", bytes(300)])
    def test_half_written_last_row(self, tail, filler):
        data = table_bytes([HEADER, [0, -12, 0], [1, 38, 3]]) + tail.encode() + filler
        table = rows_of(data)
        assert table.integers(0).tolist() == [0, 1]
        assert any("line 4 is half written" in remark for remark in table.remarks)

    def test_last_row_that_may_be_cut(self):
        table = rows_of(b"1,2\n3,4")
        assert table.n_rows == 2
        assert not table.is_complete
        assert "may be cut" in table.remarks[0]

    def test_second_header(self):
        data = table_bytes([HEADER, [0, -12, 0], HEADER, [0, -9, 0]])
        with pytest.raises(RecordingError, match=r"t\.csv, line 3: a second header"):
            rows_of(data)

    def test_short_row_inside(self):
        data = b"a,b,c\n1,2,3\n4,5\n7,8,9\n7,8,9\n"
        with pytest.raises(RecordingError, match="line 3: expected 3 fields"):
            rows_of(data)
        table = rows_of(data, drop_short_rows=True)
        assert table.line_numbers == [2, 4, 5]
        assert "1 rows with too few" in table.remarks[0]

    def test_long_row_inside(self):
        with pytest.raises(RecordingError, match="expected 2 fields"):
            rows_of(b"a,b\n1,2\n4,5,6\n7,8\n", drop_short_rows=True)

    def test_empty_columns_of_a_spreadsheet(self):
        table = rows_of(b"a;b;;\n1;2;;\n3;4;;\n")
        assert table.header == ("a", "b")
        assert table.n_columns == 2

    @pytest.mark.parametrize("data", [b"", b"\n", b"a,b\n", b"a"])
    def test_no_rows(self, data):
        table = rows_of(data)
        assert table.n_rows == 0
        assert table.remarks == ()

    def test_an_hour_in_well_under_a_second(self, tmp_path):
        n_rows = 108_000  # an hour at 30 frames/s
        columns = np.arange(n_rows), np.arange(n_rows) * 33, np.zeros(n_rows, int)
        path = tmp_path / "t.csv"
        path.write_bytes(table_bytes([HEADER, *zip(*columns, strict=True)]))
        start = time.perf_counter()
        table = read_rows(path, display="t.csv")
        values = [table.integers(place) for place in range(3)]
        # 0.3 s where nothing else runs; the limit leaves room for a loaded machine.
        assert time.perf_counter() - start < 3
        assert all(np.array_equal(a, b) for a, b in zip(values, columns, strict=True))


class TestNumbers:
    def integers(self, *fields):
        return numerals.integers(fields, "t.csv", range(2, 2 + len(fields))).tolist()

    def floats(self, *fields, **options):
        return numerals.floats(fields, "t.csv", range(2, 2 + len(fields)), **options).tolist()

    @pytest.mark.parametrize("mark", [",", ".", " ", "'", "\u00a0", "\u202f"])
    def test_thousands(self, mark):
        assert self.integers("-12", "999", f"1{mark}234", f"12{mark}345{mark}678") == [
            -12, 999, 1234, 12345678,
        ]  # fmt: skip

    def test_decimals_that_are_zero(self):
        assert self.integers("0,00", "33,00", "1234,00") == [0, 33, 1234]
        assert self.integers("0.000", "-12.000") == [0, -12]

    def test_powers_of_ten(self):
        assert self.integers("9.35703178E+08", "5") == [935703178, 5]
        with pytest.raises(RecordingError, match="'1E\\+05'"):
            self.integers("1E+05")

    @pytest.mark.parametrize("text", ["1.5", "", "1_000", "١٢", "0x10", "x", "1" * 30, "1,234,5"])
    def test_no_integer(self, text):
        with pytest.raises(RecordingError, match=r"t\.csv, line 3: expected a whole number"):
            self.integers("1", text)

    def test_thousands_or_decimals(self):
        with pytest.raises(RecordingError, match="'1,000'"):
            self.integers("1,000", "2,000")
        with pytest.raises(RecordingError, match="'1,234'"):
            self.integers("1,234", "1235")

    def test_floats(self):
        assert self.floats("0.7008", "-6.10352e-05", "1", ".5", "2.") == [
            0.7008, -6.10352e-05, 1, 0.5, 2,
        ]  # fmt: skip
        assert np.isnan(self.floats("nan"))[0]

    def test_decimal_comma(self):
        assert self.floats("0,7008", "-6,10352E-05", has_decimal_comma=True) == [
            0.7008, -6.10352e-05,
        ]  # fmt: skip
        assert self.floats("0,7008", "-0,5") == [0.7008, -0.5]
        with pytest.raises(RecordingError, match="expected a number"):
            self.floats("1,234", "0.5")

    @pytest.mark.parametrize("text", ["", "1.2.3", "1 2", "1_0.5", "abc", "--1", "1,2.3"])
    def test_no_float(self, text):
        with pytest.raises(RecordingError, match=r"t\.csv, line 3: expected a number"):
            self.floats("1", text, has_decimal_comma=True)


@RELAXED
@given(st.binary(max_size=400))
def test_any_bytes_are_a_table_or_a_recording_error(data):
    assert_is_a_table_or_a_recording_error(data)


def assert_is_a_table_or_a_recording_error(data):
    try:
        table = rows_of(data)
    except RecordingError:
        return
    assert len(table.rows) == len(table.line_numbers)
    assert len({len(row) for row in table.rows}) <= 1
    for read in (table.integers, table.floats):
        for column in range(table.n_columns if table.n_rows else 0):
            with contextlib.suppress(RecordingError):
                assert len(read(column)) == table.n_rows


@RELAXED
@given(st.text(alphabet="0123456789,;.\t\n\r\"-+eE' \0abF", max_size=200))
def test_any_text_of_the_usual_characters(text):
    assert_is_a_table_or_a_recording_error(text.encode())


@RELAXED
@given(
    stamps=st.lists(st.integers(-100_000, 10**12), min_size=1, max_size=20),
    separator=st.sampled_from([",", ";", "\t"]),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
    has_header=st.booleans(),
    is_quoted=st.booleans(),
)
def test_well_formed_tables_come_back(stamps, separator, newline, encoding, has_header, is_quoted):
    rows = [[index, stamp, 0] for index, stamp in enumerate(stamps)]
    if is_quoted:
        rows = [[f'"{field}"' for field in row] for row in rows]
    data = table_bytes([HEADER] * has_header + rows, separator, newline, encoding)
    table = rows_of(data)
    assert (table.header is not None) == has_header
    assert table.integers(0).tolist() == list(range(len(stamps)))
    assert table.integers(1).tolist() == stamps
    assert table.is_complete


@RELAXED
@given(
    values=st.lists(st.floats(-2, 2), min_size=1, max_size=20),
    encoding=st.sampled_from(["utf-8", "utf-16"]),
)
def test_decimal_commas_come_back(values, encoding):
    rows = [[index, f"{value:.6g}".replace(".", ",")] for index, value in enumerate(values)]
    table = rows_of(table_bytes(rows, ";", "\r\n", encoding))
    assert table.floats(1).tolist() == [float(f"{value:.6g}") for value in values]
