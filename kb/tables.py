"""Which rows are in a CSV file or in the first sheet of a workbook (.xlsx)? As texts, whichever it is.

A workbook is a ZIP file of XML from somebody else: what it may unpack to, its rows and the length of its cells are bounded,
and whatever is wrong with it becomes a sentence that names the row. A formula counts as the value it had when it was saved.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import warnings
import zipfile
from collections.abc import Iterator, Sequence

import openpyxl
from openpyxl.cell.cell import ERROR_CODES

from kb.errors import Invalid

MAX_BYTES = 100_000_000  # of a file, and of all that a workbook unpacks to
MAX_ROWS = 50_000  # with anything in them
MAX_CELL = 32_767  # characters, as in Excel
_LAST_ROW = 1_048_576  # of a sheet, as in Excel; a row that says it is a later one is not read
_LAST_COLUMN = 100
_EMPTY = frozenset({None, ""})
_OLD_OR_LOCKED = b"\xd0\xcf\x11\xe0"  # an OLE container: .xls, or a workbook with a password


def rows(data: bytes) -> list[list[str]]:
    """All rows as texts, the heading first, without the empty cells at their end; so that the n-th (from 1) is row n of the sheet,
    or record n of the CSV file (UTF-8 or GB 18030). Raises Invalid naming the row."""
    if len(data) > MAX_BYTES:
        raise _refused(f"文件超过 {MAX_BYTES // 1_000_000} MB，请分批 · the file is too large")
    if data.startswith(_OLD_OR_LOCKED):
        raise _refused(
            "是旧版 .xls 或带密码的文件，请另存为 .xlsx 或 CSV · save it as .xlsx or CSV, without a password"
        )
    found: list[list[str]] = []
    filled = 0
    try:
        for values in _workbook(data) if data.startswith(b"PK") else _csv(data):
            # a sheet may have a million empty rows, each as wide as it gets
            texts = [_text(value, len(found) + 1) for value in values] if not _EMPTY.issuperset(values) else []
            while texts and not texts[-1]:
                texts.pop()
            filled += bool(texts)
            if filled > MAX_ROWS + 1:
                raise _refused(f"最多 {MAX_ROWS} 行，请分批 · at most {MAX_ROWS} rows")
            found.append(texts)
    except Invalid:
        raise
    except (
        Exception
    ) as exc:  # whatever a damaged file makes of a reader: KeyError, BadZipFile, ParseError, csv.Error, …
        raise _refused(
            f"读到第 {len(found) + 1} 行时文件损坏（{exc}） · the file is broken at row {len(found) + 1}"
        ) from exc
    while found and not found[-1]:
        found.pop()
    return found


def _csv(data: bytes) -> Iterator[Sequence[object]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", errors="replace")
    yield from csv.reader(io.StringIO(text, newline=""))


def _workbook(data: bytes) -> Iterator[Sequence[object]]:
    with zipfile.ZipFile(io.BytesIO(data)) as packed:  # reading never yields more than is declared here
        if sum(part.file_size for part in packed.infolist()) > MAX_BYTES:
            raise _refused("展开后过大，请分批 · it unpacks to too much")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it does not read: styles, rules for input
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        try:
            yield from book.worksheets[0].iter_rows(max_row=_LAST_ROW, max_col=_LAST_COLUMN, values_only=True)
        finally:
            book.close()


def _text(value: object, row: int) -> str:
    """A cell as somebody would have typed it: dates as dates, whole numbers without a fraction."""
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time()
        return value.date().isoformat() if midnight else value.isoformat(" ", "seconds")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value).strip()
    if len(text) > MAX_CELL:
        raise _refused(f"第 {row} 行有一格超过 {MAX_CELL} 字 · a cell of row {row} is too long")
    if text in ERROR_CODES:
        raise _refused(f"第 {row} 行有出错的公式 {text} · a formula of row {row} failed")
    return text


def _refused(problem: str) -> Invalid:
    return Invalid(f"file: {problem}", fields={"file": problem})
