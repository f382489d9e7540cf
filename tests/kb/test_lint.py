"""Each rule of the library's lint names what breaks it, and lets pass what does not."""

from __future__ import annotations

import dataclasses

import pytest

from kb import documents, lint
from kb.documents import Document
from kb.lint import Wording

WORDING = Wording(devices=frozenset({"机顶盒", "场强仪"}), write={"帐号": "账号"})
SAID = [
    "盒子绿灯亮着，电视里什么影子都没有", "老太太说开了半天就是黑的", "孙子按了一通以后就没了", "昨晚打完雷今天不出人",
    "店里客人等着看球，急死了", "邻居家好好的，就我家黑着", "换了插座还是那样", "坐席记：单户，面板有数字",
]  # fmt: skip
FILE = """---
id: SOL-TV-900
kind: solution
title: 机顶盒开机后没有图像
category: 数字电视/机顶盒
audience: public
owner_group: team-tv
valid_until: 2028-01-01
devices: [机顶盒]
covers: [TV-900]
figures:
  - {name: 电平, value: 50~75, unit: dBμV, confidence: verified}
  - {name: 等待, value: '60', unit: 秒, confidence: unverified}
environment: {service: 数字电视}
---

## 现象

SAID

## 环境

有线数字电视。

## 原因

- 线松了。

## 用户自助

1. 拧紧。

## 检查

1. 电平 50~75dBμV 正常。

## 处理步骤

1. 断电 60 秒（待本地确认）再开。

## 移交

- 交线路组。
"""


def _document(old: str = "", new: str = "", said: list[str] = SAID) -> Document:
    text = FILE.replace("SAID", "\n".join(f"- {line}" for line in said))
    assert old in text
    return documents.parse(text.replace(old, new) if old else text)


def test_a_good_document_passes() -> None:
    assert lint.check(_document(), WORDING) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("title: 机顶盒开机后没有图像", "title: 开起来以后什么都看不到", "title: 没有写明环境"),
        ("title: 机顶盒开机后没有图像", "title: 机顶盒开机后没有图像。", "title: 结尾不写标点"),
        ("坐席记：单户，面板有数字", "机顶盒开机后没有图像了", "只是标题的改写"),
        ("- 坐席记：单户，面板有数字\n", "", "现象: 只有 7 条"),
        ("devices: [机顶盒]", "devices: [电视盒]", "devices: 用词表里没有"),
        ("线松了。", "帐号不对。", "「帐号」应写作「账号」"),
        ("线松了。", "線松了。", "繁体字「線」"),
        ("线松了。", "线松了,要拧紧。", "半角标点"),
        ("线松了。", "找 13912345678。", "含手机号"),
        ("50~75dBμV 正常", "40dBμV 正常", "检查: 40dBμV 不在 figures 里"),
        ("断电 60 秒（待本地确认）再开", "断电 60 秒再开", "「等待」未核实"),
        ("value: '60', unit: 秒", "value: 60 秒", "「等待」的单位写进 unit"),
    ],
)
def test_each_fault_is_named(old: str, new: str, told: str) -> None:
    found = lint.check(_document(old, new), WORDING)
    assert len(found) >= 1 and any(told in sentence for sentence in found), found


@pytest.mark.parametrize(
    "fine",
    [
        "现象里的帐号可以写错",  # people's own words
        "报 `ERR,code` 与 192.168.1.1:8080",
        "雷打坏了找谁",  # the converter takes 打坏 for traditional script
        "上网(PPPoE)慢",
    ],
)
def test_what_people_and_screens_say_is_left_alone(fine: str) -> None:
    assert lint.check(_document("坐席记：单户，面板有数字", fine), WORDING) == []


def test_figures_of_any_section_that_is_not_measured_by_are_free() -> None:
    assert lint.check(_document("线松了。", "邻居装了 30dB 的放大器。"), WORDING) == []


def test_near_duplicates_are_named() -> None:
    one = _document()
    copied = dataclasses.replace(_document(), id="SOL-TV-901")
    found = list(lint.near_duplicates([one, copied]))
    assert ("SOL-TV-901", "与 SOL-TV-900 大段相同 · near-duplicate") in found
    assert sum("现象" in sentence for _, sentence in found) == len(SAID)
    other = dataclasses.replace(one, id="SOL-TV-902", body="## 现象\n\n- 网页半天转圈圈打不开\n")
    assert list(lint.near_duplicates([one, other])) == []


def test_the_same_saying_twice_in_one_entry_is_named() -> None:
    found = list(lint.near_duplicates([_document(said=[*SAID, SAID[0]])]))
    assert len(found) == 1 and "同一条里" in found[0][1]
