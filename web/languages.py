"""In which language does a page speak, and how does it say a thing?

Chinese is the source: what stands in templates and tables is Chinese, and is its own key. English is the catalogue
`translations/en/LC_MESSAGES/messages.po`, read into memory by the first page that wants it, so nothing compiled has to
be kept beside it. `python -m web.messages` says what the catalogue lacks. Knowledge itself is not translated: in an
English page it is marked as Chinese, which tells a screen reader how to read it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path

from babel import dates
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, Response, has_request_context, request
from flask_babel import Babel, Domain, get_locale, get_translations
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from kb import clock

CHINESE, ENGLISH = "zh-CN", "en"
COOKIE = "language"
CATALOGUE = Path(__file__).parent / "translations" / "en" / "LC_MESSAGES" / "messages.po"
_LOCALES = {CHINESE: "zh_Hans_CN", ENGLISH: "en"}
_MOMENT = {CHINESE: "yyyy-MM-dd HH:mm", ENGLISH: "d MMM yyyy, HH:mm"}
_DAY = {CHINESE: "yyyy-MM-dd", ENGLISH: "d MMM yyyy"}
_SHORT_DAY = {CHINESE: "MM-dd", ENGLISH: "d MMM"}
_HAN = re.compile(r"[\u4e00-\u9fff]")
_BETWEEN = " · "  # the Chinese and the English half of an error's sentence


class _Catalogue(Domain):  # type: ignore[misc]  # flask-babel has no types
    """Our two languages, without compiled files."""

    def get_translations(self) -> NullTranslations:
        return _english() if language() == ENGLISH else _CHINESE


_CHINESE = NullTranslations()


@cache
def _english() -> Translations:
    compiled = BytesIO()
    with CATALOGUE.open("rb") as source:
        write_mo(compiled, read_po(source, locale=ENGLISH))
    compiled.seek(0)
    return Translations(compiled)


def init_app(app: Flask) -> None:
    """Let templates and views speak both languages."""
    babel = Babel(app, default_locale=_LOCALES[CHINESE], locale_selector=lambda: _LOCALES[wanted()])
    babel.domain_instance = _Catalogue()
    app.jinja_env.globals.update(chinese=chinese, counted=counted, language=language)
    app.jinja_env.filters.update(content=spoken(content), said=spoken(said))

    @app.after_request
    def vary(response: Response) -> Response:
        if response.mimetype == "text/html":
            response.vary.update(("Accept-Language", "Cookie"))
        return response


def spoken(function: Callable[..., object]) -> Callable[..., object]:
    """The function as a filter whose result has a language. Without a context Jinja works out a filter of a constant when
    it compiles the template, and everybody reads it in the language of whoever came first."""

    @pass_context
    def in_this_language(_context: Context, *given: object) -> object:
        return function(*given)

    return in_this_language


def wanted() -> str:
    """The language that the asker chose; else English where the browser puts it before Chinese, else Chinese.

    Programs read both halves of every sentence, so for them, and outside of requests, nothing is chosen.
    """
    if not has_request_context() or request.path.startswith("/api/"):
        return CHINESE
    chosen = request.cookies.get(COOKIE)
    if chosen in _LOCALES:
        return chosen
    liked: dict[str, float] = {}
    for tag, quality in request.accept_languages:
        family = tag.partition("-")[0].lower()
        liked[family] = max(quality, liked.get(family, 0))
    return ENGLISH if liked.get("en", 0) > liked.get("zh", liked.get("*", 0)) else CHINESE


def language() -> str:
    """The language of this page; Chinese outside of requests."""
    locale = get_locale()
    return ENGLISH if locale is not None and locale.language == "en" else CHINESE


def counted(text: str, num: int, /, **values: object) -> Markup:
    """A text with `%(num)s` in it, in the form for that number: Chinese has one, English two."""
    return Markup(get_translations().ungettext(text, text, num)) % {"num": num, **values}


def content(text: object) -> object:
    """A text of the library, of a report or of the organisation: Chinese, whatever language the page has."""
    if text in ("", None) or language() == CHINESE:
        return text
    return Markup('<span lang="zh-CN">{}</span>').format(text)


def chinese(text: object = "") -> Markup:
    """The mark of an element that holds such a text, where the page is not Chinese; of a choice only if its text is."""
    foreign = language() != CHINESE and (not text or _HAN.search(str(text)) is not None)
    return Markup(' lang="zh-CN"') if foreign else Markup("")


def said(sentence: object) -> str:
    """The asker's half of `中文 · English`, or of several such joined by `；`; whole where it has no halves."""
    pieces: list[str] = []
    rest = ""
    for part in str(sentence).split("；"):
        rest = f"{rest}；{part}" if rest else part
        if _BETWEEN in rest:
            pieces.append(rest)
            rest = ""
    if not pieces:
        return str(sentence)
    if rest:
        pieces[-1] += f"；{rest}"
    if language() == CHINESE:
        return "；".join(piece.partition(_BETWEEN)[0] for piece in pieces)
    return "; ".join(_english_half(piece) for piece in pieces)


def _english_half(sentence: str) -> str:
    second = sentence.partition(_BETWEEN)[2]
    # a sentence that lists others, which have halves too: the page lists them below it
    return second.partition(": ")[0] if _BETWEEN in second else second


def moment(at: dt.datetime) -> str:
    """A moment as the clock on the wall shows it."""
    return _formatted(at, _MOMENT)


def day(at: dt.datetime) -> str:
    return _formatted(at, _DAY)


def short_day(at: dt.datetime) -> str:
    """A day of this year or the next, where there is little room."""
    return _formatted(at, _SHORT_DAY)


def _formatted(at: dt.datetime, patterns: dict[str, str]) -> str:
    here = language()
    return dates.format_datetime(at, patterns[here], tzinfo=clock.LOCAL, locale=_LOCALES[here])
