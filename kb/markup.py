"""What does a Markdown body look like as safe HTML, and as plain text for search?

Python-Markdown renders Chinese emphasis right (`**中文，**后面`) where CommonMark parsers do not, but is quadratic on
brackets: a body with more of them than MAX_BRACKETS is shown as preformatted text. Whatever comes out passes nh3.
"""

from __future__ import annotations

import hashlib
import html
import re
import sys
from collections.abc import Callable

import markdown
import nh3

from kb.kept import Kept

MAX_BRACKETS = 1_500  # 4,000 open brackets cost Python-Markdown two seconds, and the cost grows with the square
MAX_RENDERED = 300_000  # characters; beyond this a page is preformatted text too
_KEPT_BYTES = 16_000_000  # of rendered pages

_TAGS = nh3.ALLOWED_TAGS | {"input", "section"}
_ATTRIBUTES = {
    **{tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()},
    "a": {"href", "title"},
    "code": {"class"},
    "pre": {"class"},
    "h2": {"id"},
    "h3": {"id"},
    "td": {"align"},
    "th": {"align"},
    "input": {"type", "checked", "disabled"},
    "img": {"src", "alt", "title"},
}
_SCHEMES = {"http", "https", "mailto", "tel"}


_pages: Kept[str] = Kept(_KEPT_BYTES, sys.getsizeof)


def to_html(body: str) -> str:
    """Safe HTML for a body."""
    return _pages.get(hashlib.sha256(body.encode("utf-8", "replace")).digest(), lambda: _to_html(body))


def _to_html(body: str) -> str:
    if body.count("[") > MAX_BRACKETS or len(body) > MAX_RENDERED:
        return f"<pre>{html.escape(body)}</pre>"
    rendered = markdown.markdown(
        body,
        extensions=["tables", "sane_lists", "pymdownx.superfences", "pymdownx.tilde", "pymdownx.tasklist"],
        output_format="html",
    )
    return nh3.clean(
        rendered, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel="noopener noreferrer nofollow"
    )


_PIECE = re.compile(r"(<[^>]*>)")
_BOUND = re.compile(r"<(/?)(?:a|code|pre)\b")


def replace_text(rendered: str, pattern: re.Pattern[str], replacement: Callable[[re.Match[str]], str]) -> str:
    """Replace in the running text of HTML: not in tags, links or code."""
    inside = 0
    pieces = _PIECE.split(rendered)
    for number, piece in enumerate(pieces):
        if bound := _BOUND.match(piece):
            inside += -1 if bound.group(1) else 1
        elif not inside and not piece.startswith("<"):
            pieces[number] = pattern.sub(replacement, piece)
    return "".join(pieces)


_FRONT = re.compile(r"^(```+|~~~+).*$", flags=re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->", flags=re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,500}>")
_IMAGE = re.compile(r"!\[([^\[\]]{0,300})\]\([^()\s]{0,1000}(?:\s[^()]{0,300})?\)")
_LINK = re.compile(r"\[([^\[\]]{0,500})\]\((?:[^()\s]|\([^()\s]*\)){0,1000}(?:\s[^()]{0,300})?\)")
_REFERENCE = re.compile(r"^\s{0,3}\[[^\]]{1,200}\]:\s+\S+.*$", flags=re.MULTILINE)
_ANCHOR = re.compile(r"\s*\{#[^{}\n]{1,200}\}")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$", flags=re.MULTILINE)
_ITEM = re.compile(r"^\s*(?:[-*+]|\d{1,4}[.)、])\s+", flags=re.MULTILINE)
_QUOTE = re.compile(r"^\s{0,3}(?:>\s?)+", flags=re.MULTILINE)
_RULE = re.compile(r"^[\s|:+=-]{3,}$", flags=re.MULTILINE)
_STRONG = re.compile(r"(\*\*|__|~~)(?=\S)(.+?)(?<=\S)\1")
_TICKS = re.compile(r"`+")
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+.!<>|-])")
_BLANK = re.compile(r"[ \t\u00a0]+")


def to_text(body: str) -> str:
    """The words of a body, line by line, without its markup: what is indexed and shown in snippets."""
    text = _COMMENT.sub(" ", body)
    text = _FRONT.sub("", text)
    text = _IMAGE.sub(r"\1", text)
    text = _LINK.sub(r"\1", text)
    for pattern in (_REFERENCE, _ANCHOR, _TAG, _RULE, _QUOTE, _ITEM):
        text = pattern.sub(" " if pattern is _TAG else "", text)
    text = _HEADING.sub(r"\1", text)
    text = _STRONG.sub(r"\2", text)
    text = _TICKS.sub("", text)
    text = _ESCAPE.sub(r"\1", html.unescape(text)).replace("|", " ")
    lines = (_BLANK.sub(" ", line).strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)
