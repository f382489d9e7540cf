"""Is this a slip of the pen put right, or a change that two people must review?

A minor correction is published without a review, so the rule is narrow, and pure. Compared with the last revision that
was reviewed (never with another correction, so that many small steps do not add up):

1. no attribute, and with that no title, differs;
2. lines are neither added nor taken away, and headings and the section on safety stay as they are;
3. at most MOST_CHANGED characters are inserted, deleted or replaced in all;
4. a character is replaced only by one that sounds the same (what an input method gets wrong); only a particle (的 地 得 了),
   Chinese punctuation, or one of two equal neighbours comes or goes;
5. figures, units, codes, models, Latin words, blanks and marks of Markdown stay to the letter and in their order;
6. no character that turns, counts, directs or forbids (GUARDED: 不 没 勿 禁 未 无 停 断 开 关 左 红 十 …) comes or goes.

Everything else is a revision for review. The database repeats what it can see: the base, the attributes, and how much
longer or shorter the text is.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence

Sounds = Callable[[str], Sequence[str]]  # the ways to read a character

MOST_CHANGED = 6  # characters; three bytes each in the trigger of migration 0005
LONGEST_LINE = 2_000  # characters of a line that can be corrected
GUARDED = frozenset(
    "不没勿莫未无非否别免禁止拒严忌必须只仅可能应"  # negation, prohibition, obligation
    "零〇一二三四五六七八九十百千万亿两双半几每各全"  # quantity
    "上下左右前后内外里高低大小多少长短正负反顺逆先再首末"  # direction, order
    "开关通断停启接拆插拔合分加减升降进出收发输松紧增换"  # what is done
    "红橙黄绿蓝青紫棕灰白黑粉亮灭闪"  # fibres, wires and lamps
    "火相阴阳主备"  # conductors, main and spare
)
_SAFETY = "安全"
_PARTICLES = "的地得了"
_PUNCTUATION = "，。、；：？！“”‘’（）《》「」…"
_LOOSE = frozenset(_PARTICLES + _PUNCTUATION)
_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_KEPT = re.compile(rf"[^{_HAN}{_PUNCTUATION}]+")
_IS_HAN = re.compile(f"[{_HAN}]")

_LINES = "增减了行 · lines were added or taken away"
_FIXED = "改动了标题行或安全小节 · a heading or the section on safety differs"
_LITERAL = "改动了数字、单位、代码或西文 · figures, units, codes or Latin words differ"
_TURNING = "改动了否定、数量、方向、颜色或动作的字 · a word that negates, counts, directs or acts differs"
_WORDING = "不只是同音错字、标点或多字漏字 · more than a slip in sound, punctuation or a doubled character"


def problems(before: str, after: str, sounds: Sounds) -> list[str]:
    """Why is this more than a minor correction? Empty when it is one."""
    old, new = before.splitlines(), after.splitlines()
    if len(old) != len(new):
        return [_LINES]
    changed, section, said = 0, "", []
    for was, becomes in zip(old, new, strict=True):
        if was.startswith("#"):
            section = was.lstrip("# ").strip()
        if was == becomes:
            continue
        if was.startswith("#") or becomes.startswith("#") or section == _SAFETY:
            said.append(_FIXED)
        if _KEPT.findall(was) != _KEPT.findall(becomes):
            said.append(_LITERAL)
        if _guarded(was) != _guarded(becomes):
            said.append(_TURNING)
        count, slips = _judge(was, becomes, sounds)
        changed += count
        if not slips:
            said.append(_WORDING)
    if changed > MOST_CHANGED:
        said.append(f"改动超过 {MOST_CHANGED} 个字 · more than {MOST_CHANGED} characters differ")
    if before == after:
        said.append("没有改动 · nothing differs")
    return list(dict.fromkeys(said))


def _guarded(line: str) -> list[str]:
    return [char for char in line if char in GUARDED]


def _judge(was: str, becomes: str, sounds: Sounds) -> tuple[int, bool]:
    """How many characters differ, and are they all slips?"""
    if max(len(was), len(becomes)) > LONGEST_LINE:
        return MOST_CHANGED + 1, False
    changed, slips = 0, True
    for how, i, j, k, m in difflib.SequenceMatcher(None, was, becomes, autojunk=False).get_opcodes():
        if how == "equal":
            continue
        changed += max(j - i, m - k)
        if j - i == m - k:
            slips &= all(_alike(one, other, sounds) for one, other in zip(was[i:j], becomes[k:m], strict=True))
        else:
            slips &= _may_go(was, i, j) and _may_go(becomes, k, m)
    return changed, slips


def _alike(one: str, other: str, sounds: Sounds) -> bool:
    if one in _LOOSE and other in _LOOSE:
        return True
    return bool(_IS_HAN.match(one) and _IS_HAN.match(other)) and not set(sounds(one)).isdisjoint(sounds(other))


def _may_go(line: str, start: int, end: int) -> bool:
    """Could these characters be missing, or be there by mistake?"""
    return all(line[at] in _LOOSE or line[at] in (line[at - 1 : at], line[at + 1 : at + 2]) for at in range(start, end))
