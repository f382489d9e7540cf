"""What is there to say in another language, and does the English catalogue say it all?

`python -m web.messages` brings the catalogue up to date: texts that are new get an empty translation, texts that are
gone leave. A test fails while one is empty, so a page cannot be half translated.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from web import errors
from web.labels import LABELS
from web.languages import CATALOGUE, ENGLISH
from web.pages import health, preferences, report

WEB = Path(__file__).parent
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]
_OPTIONS = {"templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}
_KEYWORDS = {"_": None, "gettext": None, "counted": (1, 1)}  # `counted` has one text for both numbers
_HEADER = b"""\
# What the interface says in English; the Chinese text is the key. `python -m web.messages` keeps it in step.
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Language: en\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""


def collect() -> Catalog:
    """Every text of the interface: those in templates and views, and those in tables that are looked up."""
    catalog = Catalog(project="wenqu", charset="utf-8")
    for path, _line, message, _comments, _context in extract_from_dir(WEB, _METHODS, _OPTIONS, _KEYWORDS):
        catalog.add(message, locations=[(path, 0)])
    for text in _in_tables():
        if text not in catalog:
            catalog.add(text, locations=[("labels.py", 0)])
    return catalog


def _in_tables() -> Iterator[str]:
    for names in LABELS.values():
        yield from names.values()
    yield from errors.TITLES.values()
    yield from report.PLAIN.values()
    yield from report.NEXT.values()
    yield from report.STARS.values()
    yield from health.KERNELS.values()
    yield from preferences.THEMES.values()


def english() -> Catalog:
    """The catalogue as it is in the repository."""
    with CATALOGUE.open("rb") as source:
        return read_po(source, locale=ENGLISH)


def main() -> int:
    catalog = english() if CATALOGUE.exists() else Catalog(locale=ENGLISH, charset="utf-8")
    catalog.update(collect(), no_fuzzy_matching=True)
    with CATALOGUE.open("wb") as target:
        target.write(_HEADER)
        write_po(target, catalog, width=120, sort_output=True, ignore_obsolete=True, omit_header=True, no_location=True)
    empty = [message.id for message in catalog if message.id and not all(_forms(message.string))]
    for text in empty:
        sys.stdout.write(f"{text}\n")
    return 1 if empty else 0


def _forms(string: object) -> tuple[str, ...]:
    return tuple(string) if isinstance(string, list | tuple) else (str(string or ""),)


if __name__ == "__main__":
    sys.exit(main())
