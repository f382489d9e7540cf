"""Personal data is found and masked; serial numbers are not people."""

from __future__ import annotations

import pytest

from kb import privacy


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("打13912345678找我", "打[手机号]找我"),
        ("+86 139-1234-5678", "[手机号]"),
        ("身份证11010519491231002X。", "身份证[身份证号]。"),
        ("电话 0517-82345678", "电话 [电话号码]"),
        ("110105194912310021", "110105194912310021"),  # check digit wrong: a serial number
        ("序列号 4857544313912345678901", "序列号 4857544313912345678901"),
        ("10.0.3.17 0/1/3 v1.3.9", "10.0.3.17 0/1/3 v1.3.9"),
        ("智能卡号 8139123456789", "智能卡号 8139123456789"),
    ],
)
def test_mask(text: str, masked: str) -> None:
    assert privacy.mask(text) == masked
