"""Does the English catalogue say all that the interface says, with the same places for values, and nothing that is gone?"""

from __future__ import annotations

import re

import pytest
from jinja2 import Environment

from web import messages

_NOT_SAID = ("中文", "疑似区域故障")  # the name of a language, and the beginning of a title that is knowledge
_HAN = re.compile(r"[\u4e00-\u9fff]")
_PLACE = re.compile(r"%\(\w+\)s")
_TAG = re.compile(r"<[^>]+>")
_CHINESE_BY_NATURE = re.compile(
    r"<code>.*?</code>|“[^”]*”|\[[^\]]*\]|种类:方案|数字电视|电视黑屏|网速慢|已核实|单一来源|待本地确认|、"
)


@pytest.fixture(scope="module")
def pairs() -> list[tuple[str, tuple[str, ...]]]:
    """Each text with its translations: one, or two where it counts."""
    found = []
    for message in messages.english():
        if message.id:
            text = message.id if isinstance(message.id, str) else message.id[0]
            found.append((text, (message.string,) if isinstance(message.string, str) else tuple(message.string)))
    return found


def test_the_catalogue_has_every_text_and_no_other(pairs):
    wanted = {m.id if isinstance(m.id, str) else m.id[0] for m in messages.collect() if m.id}
    assert {text for text, _ in pairs} == wanted


def test_nothing_is_left_untranslated(pairs):
    assert [text for text, translations in pairs if not all(translations)] == []
    chinese = [
        text
        for text, translations in pairs
        if any(_HAN.search(_CHINESE_BY_NATURE.sub("", one)) for one in translations)
    ]
    assert chinese == []


def test_values_and_markup_have_their_places(pairs):
    for text, translations in pairs:
        for one in translations:
            singular = len(translations) == 2 and one == translations[0]
            left_out = {"%(num)s"} if singular else set()
            assert set(_PLACE.findall(text)) - set(_PLACE.findall(one)) <= left_out, text
            assert set(_PLACE.findall(one)) <= set(_PLACE.findall(text)), text
            assert sorted(_TAG.findall(re.sub(r"<code>.*?</code>", "", text))) == sorted(
                _TAG.findall(re.sub(r"<code>.*?</code>", "", one))
            ), text


@pytest.mark.parametrize("path", sorted((messages.WEB / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_templates_say_nothing_past_the_catalogue(path):
    """Every Chinese text of a template is an argument of `_` or `counted`, or stands in a `trans` block."""
    env = Environment(extensions=["jinja2.ext.i18n"])
    past, before, translated = [], ["", ""], False
    for line, kind, text in env.lex(path.read_text("utf-8")):
        if kind == "whitespace":
            continue
        if kind == "name" and text in ("trans", "endtrans"):
            translated = text == "trans"
        said = before in (["_", "("], ["counted", "("]) or text.strip("'\"") in _NOT_SAID
        if kind in ("data", "string") and _HAN.search(text) and not translated and not said:
            past.append((line, text.strip()))
        before = [before[1], text]
    assert past == []
