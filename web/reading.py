"""What of a revision does this person read, and what does it look like?

Subscribers read the shared face of a solution and nothing else of it; staff read both faces, the staff sections
marked. What is attached to a solution is for staff unless the shared text refers to the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from flask import url_for
from markupsafe import Markup
from sqlalchemy.orm import Session, object_session

from kb import access, documents, entries, markup, selfhelp, topology
from kb.access import Person
from kb.documents import Kind
from kb.models import Attachment, Revision
from kb.store import ContentStore

FIRST_FOR_SUBSCRIBERS = frozenset({documents.SELF_HELP_SECTION, "安全"})
SAYINGS_SHOWN = 6  # lines; the others are there for search to find
_OWN_TITLE = re.compile(r"\A\s*# .*\n")  # the page has a title already


@dataclass(frozen=True)
class Passage:
    """One section as it is shown; `staff` marks what subscribers do not see, `more` what is folded away."""

    title: str
    html: Markup
    staff: bool = False
    more: Markup | None = None


@dataclass(frozen=True)
class SelfHelp:
    """What a subscriber does step by step, and what if none has helped."""

    before: Markup
    steps: list[Markup]
    otherwise: Markup


@dataclass(frozen=True)
class Reading:
    """A revision as one person sees it."""

    attributes: documents.Attributes
    passages: list[Passage]
    attachments: list[Attachment]
    drawings: list[topology.Diagram | topology.Broken] = field(default_factory=list)
    graph: topology.Graph | None = None  # of a topology, to be listed
    broken_graph: str = ""
    self_help: SelfHelp | None = None  # for subscribers, in place of its passage


def read(store: ContentStore, by: Person, revision: Revision) -> Reading:
    attributes = revision.read_attributes()
    body = entries.text_of(store, revision)
    session = object_session(revision)
    assert session is not None  # a revision is read within its session
    linked = _titles(session, by, body)
    files = [attachment for attachment in revision.attachments if _may_open(by, attributes.kind, body, attachment)]
    found = drawings(store, by, revision)
    broken, _ = topology.problems(found)
    said = "；".join(broken)
    if attributes.kind is Kind.TOPOLOGY:
        prose = _OWN_TITLE.sub("", topology.prose(body))
        graph = next((one.graph for one in found if isinstance(one, topology.Diagram)), None)
        said = said or ("" if found else "没有图 · no drawing")
        return Reading(attributes, [_passage(revision, "", prose, linked)], files, found, graph, said)
    if attributes.kind is not Kind.SOLUTION:
        passages = [_passage(revision, "", _OWN_TITLE.sub("", body), linked)]
        return Reading(attributes, passages, files, found, broken_graph=said)
    staff = access.sight(by).staff_text
    sections = documents.sections(body if staff else documents.faces(attributes.kind, body).shared)
    steps = None if staff else selfhelp.steps(attributes.kind, body)
    if not staff:  # somebody with a fault wants to know what to do, and how to come to no harm
        sections.sort(key=lambda section: section.title not in FIRST_FOR_SUBSCRIBERS)
    if steps:
        sections = [section for section in sections if section.title != documents.SELF_HELP_SECTION]
    passages = [_passage(revision, section.title, section.text, linked) for section in sections]
    return Reading(
        attributes, passages, files, found, broken_graph=said,
        self_help=_self_help(revision, steps, linked) if steps else None,
    )  # fmt: skip


@dataclass(frozen=True)
class Preview:
    """A text that is being written, as it will be read."""

    passages: list[Passage]
    graph: topology.Graph | None = None
    broken_graph: str = ""


def preview(session: Session, by: Person, kind: Kind, body: str, revision: Revision | None) -> Preview:
    """What is typed, as staff will read it; `revision` is the draft whose files it shows, if there is one already."""
    linked = _titles(session, by, body)
    if kind is Kind.SOLUTION:
        return Preview([_passage(revision, part.title, part.text, linked) for part in documents.sections(body)])
    prose = topology.prose(body) if kind is Kind.TOPOLOGY else body
    found = topology.diagrams(body, [])
    broken, _ = topology.problems(found)
    graph = next((one.graph for one in found if isinstance(one, topology.Diagram)), None)
    shown = [_passage(revision, "", _OWN_TITLE.sub("", prose), linked)]
    return Preview(shown, graph if kind is Kind.TOPOLOGY else None, "；".join(broken))


def drawings(store: ContentStore, by: Person, revision: Revision) -> list[topology.Diagram | topology.Broken]:
    """The drawings in the text that this person reads, and in the files that they may open."""
    kind, body = Kind(revision.entry.kind), entries.text_of(store, revision)
    files = [
        (file.filename, partial(store.get, file.sha256))
        for file in revision.attachments
        if topology.is_diagram(file.filename) and _may_open(by, kind, body, file)
    ]
    return topology.diagrams(body if access.sight(by).staff_text else documents.faces(kind, body).shared, files)


def may_open(store: ContentStore, by: Person, attachment: Attachment) -> bool:
    """May this person, who may read the revision, have this file of it?"""
    revision = attachment.revision
    return _may_open(by, Kind(revision.entry.kind), entries.text_of(store, revision), attachment)


def _may_open(by: Person, kind: Kind, body: str, attachment: Attachment) -> bool:
    if access.sight(by).staff_text:
        return True
    return attachment.filename in documents.shown_files(documents.faces(kind, body).shared)


def _titles(session: Session, by: Person, body: str) -> dict[str, str]:
    """The entries that the text names and this person may read, with their titles."""
    return {
        number: entry.title
        for number, entry in entries.find_visible(session, by, sorted(documents.mentions(body))).items()
    }


def _passage(revision: Revision | None, title: str, text: str, linked: Mapping[str, str]) -> Passage:
    """`![](attachments/name)` in a text means a file of the same revision; the number of an entry leads to it."""
    text = _with_files(revision, text)
    shown, more = _fold(text) if title == documents.SYMPTOM_SECTION else (text, "")
    return Passage(title, _html(shown, linked), title in documents.STAFF_SECTIONS, _html(more, linked))


def _self_help(revision: Revision, steps: selfhelp.Steps, linked: Mapping[str, str]) -> SelfHelp:
    def shown(text: str) -> Markup:
        return _html(_with_files(revision, text), linked)

    return SelfHelp(shown(steps.before), [shown(step) for step in steps.steps], shown(steps.otherwise))


def _with_files(revision: Revision | None, text: str) -> str:
    if revision is None or "](attachments/" not in text:
        return text
    place = url_for("entries.revision", number=revision.entry.number, revision_number=revision.number)
    return text.replace("](attachments/", f"]({place}/attachments/")


def _html(text: str, linked: Mapping[str, str]) -> Markup:
    def link(mention: re.Match[str]) -> str:
        number = mention.group()
        if number not in linked:
            return number
        anchor = Markup('<a href="{}" title="{}">{}</a>')
        return anchor.format(url_for("entries.show", number=number), linked[number], number)

    return Markup(markup.replace_text(markup.to_html(text), documents.MENTION, link))


def _fold(text: str) -> tuple[str, str]:
    """The first sayings of a plain list, and the others."""
    lines = text.splitlines()
    if len(lines) <= SAYINGS_SHOWN + 2 or not all(line.startswith("- ") for line in lines):
        return text, ""
    return "\n".join(lines[:SAYINGS_SHOWN]), "\n".join(lines[SAYINGS_SHOWN:])
