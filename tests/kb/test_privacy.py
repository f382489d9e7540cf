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


@pytest.mark.parametrize(
    ("text", "anonymous"),
    [
        ("打13912345678找我", "打[手机号]找我"),
        ("110105194912310021 上不了网", "[号码] 上不了网"),  # perhaps a mistyped identity card
        ("智能卡号 8139123456789 E04", "智能卡号 [号码] E04"),
        ("8234 5678 打不通", "[号码] 打不通"),
        ("幸福小区3号楼2单元501室没信号", "[地址]没信号"),
        ("人民路12号 宽带断了", "[地址] 宽带断了"),
        ("5栋2单元都黑屏", "[地址]都黑屏"),
        ("王女士家电视花屏，联系人：王小明", "[称呼]家电视花屏，[称呼]"),
        ("光猫 AC:DE:48:00:11:22 离线", "光猫 [MAC] 离线"),
        ("邮箱 some.body@example.org 收不到", "邮箱 [邮箱] 收不到"),
        ("10.0.3.17 ORA-12541 0/1/3 HG8245H v2.3.1 错误691", "10.0.3.17 ORA-12541 0/1/3 HG8245H v2.3.1 错误691"),
        ("电平60-80dB，路由器2号口不亮", "电平60-80dB，路由器2号口不亮"),
    ],
)
def test_what_is_kept_of_peoples_words_names_nobody(text: str, anonymous: str) -> None:
    assert privacy.anonymous(text) == anonymous


def test_further_pieces_are_taken_out() -> None:
    assert privacy.anonymous("张三丰家没信号", "张三丰", " ") == "[联系人]家没信号"
