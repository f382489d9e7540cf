"""A workbook and a CSV file of the same rows read alike; what is broken or too large is refused with its row."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable, Sequence

import openpyxl
import pytest

from kb import incident_import, incidents, tables
from kb.db import Database
from kb.errors import Invalid
from kb.lifecycle import IncidentState, Unmet
from kb.store import ContentStore
from tests.conftest import People
from tests.kb import samples

HEADING = ("原编号", "故障现象", "状态", "受理时间", "影响", "联系电话", "解决方案")


def workbook(*rows: Sequence[object]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    book.create_sheet("别的").append(["不读"])
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


def altered(data: bytes, part: str, change: Callable[[str], str]) -> bytes:
    """The same workbook with one part of it changed."""
    kept = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            text = old.read(name).decode()
            new.writestr(name, change(text) if name == part else text)
    return kept.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def test_a_workbook_reads_as_the_same_texts_as_csv() -> None:
    book = workbook(
        ["原编号", "受理时间", "数"],
        [1001, dt.datetime(2026, 10, 1, 8, 30), 3.0],
        [],
        [" A-2 ", dt.date(2026, 10, 2), 1.5],
        [None, None, None],
    )
    assert tables.rows(book) == [
        ["原编号", "受理时间", "数"], ["1001", "2026-10-01 08:30:00", "3"], [], ["A-2", "2026-10-02", "1.5"],
    ]  # fmt: skip
    assert tables.rows('原编号,数\nA-1,"两\n行"\n'.encode("gb18030")) == [["原编号", "数"], ["A-1", "两\n行"]]


def test_a_formula_counts_as_its_value() -> None:
    book = altered(
        workbook(["数"], ["=1+2"]), SHEET, lambda text: re.sub("</f><v ?/>|</f><v></v>", "</f><v>3</v>", text)
    )
    assert tables.rows(book) == [["数"], ["3"]]


def test_rows_of_a_workbook_go_the_way_of_those_of_csv(database: Database, store: ContentStore, people: People) -> None:
    book = workbook(
        HEADING,
        ("A-1", "机顶盒没信号", "已关闭", dt.datetime(2026, 10, 1, 8, 30), 3, 13800001234, "SOL-000001"),
        ("A-2", "影响不对", "", None, 9, None, None),
    )
    with database.write() as session:
        samples.published(session, store, people.tech, people.lead)
        first, second = incident_import.load(
            session, store, people.manager, incident_import.read(book), source="旧系统"
        )
        assert (first.line, first.number, second.line, second.number) == (2, "INC-000001", 3, "")
        assert "impact" in second.problem
        made = incidents.find(session, people.tech, first.number)
        assert (made.state, made.contact_phone, made.impact) == (IncidentState.RESOLVED, "13800001234", 3)
        assert made.created_at == dt.datetime(2026, 10, 1, 0, 30, tzinfo=dt.UTC)
        assert incidents.unmet(made) == [Unmet.NOT_VERIFIED]
        again = incident_import.load(session, store, people.manager, incident_import.read(book), source="旧系统")
        assert again[0].known


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04 no zip", "第 1 行"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls"),
        (workbook(["甲"], ["#REF!"]), "第 2 行"),
        (b"a,b\n" + b"x" * 200_000, "第 2 行"),
        (altered(workbook(["甲"], ["乙"]), SHEET, lambda text: text.replace("</sheetData>", "")), "损坏"),
        (altered(workbook(["甲"], ["乙"]), SHEET, lambda text: text.replace('"inlineStr"><is><t>乙</t></is>', '"s"><v>77</v>')), "第 2 行"),
        (altered(workbook(["甲"]), "[Content_Types].xml", lambda text: ""), "损坏"),
    ],
)  # fmt: skip
def test_a_broken_file_is_a_sentence_with_the_row(data: bytes, said: str) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        tables.rows(data)
    assert "file" in refused.value.fields


def test_bombs_do_not_go_off(monkeypatch: pytest.MonkeyPatch) -> None:
    big = altered(workbook(["甲"]), "xl/styles.xml", lambda text: text + " " * 2_000_000)
    monkeypatch.setattr(tables, "MAX_BYTES", 1_000_000)
    with pytest.raises(Invalid, match="过大"):
        tables.rows(big)
    with pytest.raises(Invalid, match="MB"):
        tables.rows(b"x" * 1_000_001)
    monkeypatch.setattr(tables, "MAX_CELL", 10)
    with pytest.raises(Invalid, match="超过 10 字"):
        tables.rows(workbook(["甲"], ["乙" * 11]))
    monkeypatch.setattr(tables, "MAX_ROWS", 2)
    with pytest.raises(Invalid, match="最多 2 行"):
        tables.rows(workbook(["甲"], ["乙"], ["丙"], ["丁"]))
    assert len(tables.rows(workbook(["甲"], [], [], [], ["乙"]))) == 5  # empty rows do not count
    far = altered(workbook(["甲"], ["乙"]), SHEET, lambda text: text.replace('r="2"', 'r="999999999999"'))
    assert tables.rows(far) == [["甲"]]
    laughs = "<!DOCTYPE b [" + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha"}">' for n in range(12)
    ) + "]>"  # fmt: skip
    lol = altered(
        workbook(["甲"], ["乙"]), SHEET,
        lambda text: laughs + text.replace("乙", "&a11;"),
    )  # fmt: skip
    with pytest.raises(Invalid, match="损坏"):
        tables.rows(lol)
