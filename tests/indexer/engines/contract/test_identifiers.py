"""Is an identifier found however it is written, and taken for no other?"""

from __future__ import annotations

import pytest

from indexer import Engine
from tests.indexer.conftest import Search, ids
from tests.indexer.engines.contract.conftest import solution


@pytest.fixture
def named(engine: Engine) -> Engine:
    """Entries told apart by an identifier each."""
    texts = {
        "MODEL": "光猫HG8245H注册失败", "ORACLE": "报ORA-12541", "ADDRESS": "网关10.0.3.17超时", "PORT": "端口0/1/3关闭",
        "CODE": "屏幕显示E04", "SPOKEN": "显示E零五代码", "DIAL": "拨号提示691", "VERSION": "升级到v2.3.1", "MAC": "设备00:1A:2B:3C:4D:5E离线",
        "LEVEL": "低于45dBμV", "WIDE": "错误ＯＲＡ－００９４２", "OTHER": "E40与8254,型号HG8254H,不是619",
    }  # fmt: skip
    engine.apply([solution(id, text) for id, text in texts.items()], [])
    return engine


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        *((typed, "MODEL") for typed in ("HG8245H", "HG-8245H", "hg8245h", "8245", "hg8245", "ＨＧ８２４５Ｈ", "8245H", "HG 8245H")),
        *((typed, "ORACLE") for typed in ("ORA-12541", "ora12541", "12541", "ora 12541", "ＯＲＡ－12541")),
        *((typed, "ADDRESS") for typed in ("10.0.3.17", "10.0.3", "１０.０.３.１７", "10。0。3。17")),
        *((typed, "PORT") for typed in ("0/1/3", "０／１／３")),
        *((typed, "CODE") for typed in ("E04", "e04", "Ｅ０４", "E零四", "E〇四", "E-04", "E零四怎么办")),
        *((typed, "SPOKEN") for typed in ("E05", "E零五")),
        *((typed, "DIAL") for typed in ("691", "６９１")),
        *((typed, "VERSION") for typed in ("v2.3.1", "2.3.1", "V2.3", "2.3")),
        *((typed, "MAC") for typed in ("00-1A-2B-3C-4D-5E", "00:1a:2b:3c:4d:5e", "001a.2b3c.4d5e", "001A2B3C4D5E", "001a-2b3c-4d5e",
                                       "001A:2B3C:4D5E", "００－１Ａ－２Ｂ－３Ｃ－４Ｄ－５Ｅ")),
        *((typed, "LEVEL") for typed in ("dBμV", "dBuV", "dBµV", "DBUV", "45dBuV", "45 dBµV")),
        *((typed, "WIDE") for typed in ("ORA-00942", "00942")),
    ],
)  # fmt: skip
def test_an_identifier_is_found_however_it_is_written(named: Engine, search: Search, typed: str, first: str) -> None:
    assert ids(search(typed))[0] == first


@pytest.mark.parametrize(("typed", "other"), [("E04", "OTHER"), ("8245", "OTHER"), ("691", "OTHER"), ("E40", "CODE")])
def test_digits_are_never_taken_for_others(named: Engine, search: Search, typed: str, other: str) -> None:
    assert other not in ids(search(typed))
