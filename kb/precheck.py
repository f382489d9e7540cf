"""What can a machine say about a revision before a person reviews its form?

Each check ends in pass, fail or look. A failed check keeps the formal review from being approved; `look` asks the
reviewer to judge. Nothing here judges whether the content is true: that is the content review.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb import clock, documents, privacy, taxonomy, topology
from kb.access import likely_published, may_see, person
from kb.documents import Confidence, Kind
from kb.lifecycle import Role
from kb.models import Attachment, Entry, Revision, Unit, User

if TYPE_CHECKING:
    from kb.store import ContentStore

NEAR_DUPLICATE = 0.2  # of the runs of four characters of one text that the other has: see indexer/similarity.py


_SHOWN = 40  # characters of a sentence
LONGEST_SENTENCE = 120  # characters; longer ones are read twice in the field
LONGEST_PARAGRAPH = 400  # characters
_STEPS = ("用户自助", "检查", "处理步骤")  # sections whose lines are done one after the other


class Finding(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    LOOK = "look"


@dataclass(frozen=True)
class Check:
    """One finding, in words for the reviewer."""

    name: str
    outcome: Finding
    message: str


@dataclass(frozen=True)
class Near:
    """An entry that resembles the one being checked; `likeness` from 0 to 1. `new` are sentences that the one being
    checked has alone, `missing` those that the other has alone; the first few."""

    number: str
    title: str
    likeness: float
    new: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


# Given title and body: which published entries say nearly the same? Search answers; kb is handed the callable.
Similar = Callable[[str, str], Sequence[Near]]

_ENTRY_LINK = re.compile(r"\]\(/entries/([A-Z]{3}-[A-Z0-9-]+)")
_LINK = re.compile(r"\]\(<?([^)>\s]+)")
_KNOWN_LINK = re.compile(r"/entries/|#|attachments/|https?://[\w.-]+\w(?:[/:?#]|$)|tel:\d|mailto:\S+@\S")
_PROBABLY = re.compile(r"\[(邮箱|MAC|地址|称呼)\]")
_SENTENCE = re.compile(r"[^。！？；\n]+")
_NUMBERED = re.compile(r"\s*(?:\d+[.、)]|[-*|>])|\s{2,}")
_INLINE = re.compile(r"`[^`\n]*`")
_FENCE = re.compile(r"```.*?```", re.DOTALL)
_UNSAFE_LINK = re.compile(r"\]\(\s*(?:javascript|data|file):", flags=re.IGNORECASE)


@dataclass(frozen=True)
class About:
    """What a text that is checked belongs to: nothing yet, before its first draft is saved."""

    number: str = ""
    author_id: int | None = None
    files: Sequence[Attachment] = ()


def run(session: Session, store: ContentStore, revision: Revision, similar: Similar | None = None) -> list[Check]:
    """All findings on a revision, in the order a reviewer reads them."""
    body = revision.body if revision.body is not None else store.get(str(revision.object_sha256)).decode("utf-8")
    about = About(revision.entry.number, revision.author_id, revision.attachments)
    return check(session, store, about, revision.read_attributes(), body, similar)


def check(
    session: Session,
    store: ContentStore,
    about: About,
    attributes: documents.Attributes,
    body: str,
    similar: Similar | None = None,
) -> list[Check]:
    """All findings on attributes and a text, saved or only typed."""
    number = about.number
    return [
        *_attributes(session, number, attributes),
        *_template(number, attributes, body),
        *_drawings(store, about.files, attributes.kind, body),
        _links(session, number, attributes, body),
        _files(about.files, body),
        _privacy(attributes.title, body),
        _wording(body),
        _districts(session, attributes),
        _codes(attributes),
        _figures(attributes, body),
        _duplicates(number, attributes, body, similar),
        _reviewers(session, about.author_id, attributes),
    ]


def _finding(name: str, problems: list[str], good: str, *, bad: Finding = Finding.FAIL) -> Check:
    return Check(name, bad, "；".join(problems)) if problems else Check(name, Finding.PASS, good)


def _attributes(session: Session, number: str, attributes: documents.Attributes) -> list[Check]:
    problems = []
    if taxonomy.unknown(session, attributes.category):
        problems.append(f"类目「{attributes.category}」不在类目树中 · category not in the taxonomy")
    elif taxonomy.closed(session, attributes.category, number):
        problems.append(taxonomy.refusal(attributes.category))
    if attributes.kind is Kind.SOLUTION and attributes.environment is None:
        problems.append("缺少环境(业务) · environment is missing")
    if attributes.kind in documents.CHANGE_KINDS and not attributes.change:
        problems.append("缺少变更号 · the change number is missing")
    if len(attributes.title) < 6:
        problems.append("标题太短，须说清现象和环境 · the title is too short")
    validity = []
    if attributes.valid_until is None:
        validity.append("缺少有效期 · no validity date")
    elif attributes.valid_until <= clock.today():
        validity.append(f"有效期 {attributes.valid_until} 已过 · validity has passed")
    since, until = attributes.valid_from, attributes.valid_until
    chinese, english = (f"{since} 起，", f"valid from {since}, ") if since else ("", "")
    devices = [] if attributes.devices or attributes.kind is not Kind.SOLUTION else ["没有写涉及设备 · no device named"]
    return [
        _finding("属性", problems, "必填属性齐全 · nothing required is missing"),
        _finding("有效期", validity, f"{chinese}有效至 {until} · {english}valid until {until}"),
        _finding("设备", devices, "、".join(attributes.devices) or "不适用 · not applicable", bad=Finding.LOOK),
    ]


def _template(number: str, attributes: documents.Attributes, body: str) -> list[Check]:
    if attributes.kind is Kind.SOLUTION:
        problems = documents.check_solution(documents.Document(number, attributes, body))
        empty = [
            s.title for s in documents.sections(body) if s.title in documents.SOLUTION_SECTIONS and not s.text.strip()
        ]
        problems += [f"小节为空 · empty section: {name}" for name in empty]
        return [_finding("模板", problems, "小节齐全 · all sections are there")]
    return []


def _drawings(store: ContentStore, attached: Sequence[Attachment], kind: Kind, body: str) -> list[Check]:
    """A topology is nothing without a drawing that can be read; elsewhere a drawing that cannot be is looked at."""
    files = [(file.filename, partial(store.get, file.sha256)) for file in attached]
    found = topology.diagrams(body, files)
    if not found:
        missing = ["没有图：写 topology 或 mermaid 代码块，或附 .drawio、.mmd 文件 · no drawing"]
        return [_finding("拓扑", missing, "")] if kind is Kind.TOPOLOGY else []
    broken, doubtful = topology.problems(found)
    if broken:
        return [_finding("拓扑", broken, "", bad=Finding.FAIL if kind is Kind.TOPOLOGY else Finding.LOOK)]
    drawn = [diagram.graph for diagram in found if isinstance(diagram, topology.Diagram)]
    nodes, links = sum(len(graph.nodes) for graph in drawn), sum(len(graph.links) for graph in drawn)
    size = f"{nodes} 个节点，{links} 条链路 · nodes {nodes}, links {links}"
    return [_finding("拓扑", doubtful, size, bad=Finding.LOOK)]


def _links(session: Session, number: str, attributes: documents.Attributes, body: str) -> Check:
    wanted = set(attributes.related) | set(_ENTRY_LINK.findall(body))
    alive = set(session.scalars(select(Entry.number).where(Entry.number.in_(wanted), likely_published())))
    problems = [f"引用的 {gone} 不存在或未发布 · link to nothing" for gone in sorted(wanted - alive - {number})]
    if number in attributes.related:
        problems.append("引用了自己 · related to itself")
    if _UNSAFE_LINK.search(body):
        problems.append("含不安全的链接 · unsafe link")
    odd = [link for link in _LINK.findall(_FENCE.sub("", body)) if not _KNOWN_LINK.match(link)]
    problems += [f"链接写法不对：{link[:_SHOWN]} · not a link" for link in odd if not _UNSAFE_LINK.search(f"]({link}")]
    return _finding("引用", problems, f"{len(wanted)} 处引用有效 · valid references: {len(wanted)}")


def _files(attached: Sequence[Attachment], body: str) -> Check:
    """Does every file that the text shows hang on the revision?"""
    wanted = {
        unquote(link.removeprefix("attachments/")) for link in _LINK.findall(body) if link.startswith("attachments/")
    }
    missing = sorted(wanted - {file.filename for file in attached})
    return _finding(
        "附件",
        [f"正文里的附件 {name} 没有上传 · no such attachment" for name in missing],
        f"{len(wanted)} 处附件有效 · attachments found: {len(wanted)}",
    )


def _privacy(title: str, body: str) -> Check:
    text = f"{title}\n{body}"
    found = privacy.find(text)
    if found:
        return Check("个人信息", Finding.FAIL, "；".join(f"含{item.what} · personal data" for item in found[:5]))
    likely = set(_PROBABLY.findall(privacy.anonymous(text))) - set(_PROBABLY.findall(text))
    problems = [f"可能含{'、'.join(sorted(likely))}，请核对 · perhaps personal data"] if likely else []
    return _finding(
        "个人信息", problems, "未发现手机号、电话、身份证号 · no telephone or identity number found", bad=Finding.LOOK
    )


def _wording(body: str) -> Check:
    """Can it be read in a stairwell? Long sentences and paragraphs, and steps that nobody numbered."""
    prose = _INLINE.sub("", _FENCE.sub("", body))
    sentences = [s.strip() for s in _SENTENCE.findall(prose) if len(s.strip()) > LONGEST_SENTENCE]
    problems = [f"句子超过 {LONGEST_SENTENCE} 字：{s[:20]}… · a long sentence" for s in sentences[:3] if "|" not in s]
    problems += [
        f"段落超过 {LONGEST_PARAGRAPH} 字：{line[:20]}… · a long paragraph"
        for line in prose.splitlines()
        if len(line) > LONGEST_PARAGRAPH and "|" not in line
    ][:3]
    for section in documents.sections(prose):
        lines = [line for line in section.text.splitlines() if line.strip() and not line.startswith("#")]
        if section.title in _STEPS and len(lines) > 1 and not any(_NUMBERED.match(line) for line in lines):
            problems.append(f"「{section.title}」的步骤没有编号 · steps are not numbered")
    return _finding("易读", problems, "句子不长，步骤有编号 · short sentences, numbered steps", bad=Finding.LOOK)


def _districts(session: Session, attributes: documents.Attributes) -> Check:
    known = set(session.scalars(select(Unit.name).where(Unit.kind == "district")))
    unknown = [name for name in attributes.districts if name not in known]
    problems = (
        [f"没有片区「{'」「'.join(unknown)}」，可用：{'、'.join(sorted(known))} · no such district"] if unknown else []
    )
    return _finding("片区", problems, "、".join(attributes.districts) or "不限片区 · not bound to a district")


def _codes(attributes: documents.Attributes) -> Check:
    problems = [
        f"错误码 {code.code} 没有写厂商 · code without vendor"
        for code in attributes.error_codes
        if code.vendor in ("", "未定", "未知")
    ]
    return _finding("错误码", problems, "错误码都有厂商 · every code has its vendor", bad=Finding.LOOK)


def _figures(attributes: documents.Attributes, body: str) -> Check:
    unverified = [f.name for f in attributes.figures if f.confidence is Confidence.UNVERIFIED]
    message = [f"{len(unverified)} 个数值未核实：{'、'.join(unverified)} · unverified figures"] if unverified else []
    return _finding("数值", message, "没有未核实的数值 · no unverified figures", bad=Finding.LOOK)


def _reviewers(session: Session, author_id: int | None, attributes: documents.Attributes) -> Check:
    leads = session.scalars(
        select(User).where(User.role == Role.REVIEWER, User.active.is_(True), User.id.is_distinct_from(author_id))
    )
    able = [lead for lead in leads if may_see(person(session, lead), attributes.audience, attributes.owner_group)]
    problem = ["没有作者以外、又看得到它的技术负责人，提交后无人能审 · nobody could review this"]
    return _finding(
        "审核人",
        [] if able else problem,
        f"{len(able)} 名技术负责人可审 · technical leads who can review: {len(able)}",
        bad=Finding.LOOK,
    )


def _difference(near: Near) -> str:
    """What one has and the other has not, in few words."""
    sides = (("本条另有", near.new), ("它另有", near.missing))
    told = [f"{side}「{'」「'.join(said[:_SHOWN] for said in sentences)}」" for side, sentences in sides if sentences]
    return f"；{'，'.join(told)}" if told else "；所述相同"


def alike(number: str, title: str, body: str, similar: Similar) -> list[Near]:
    """Which other published entries say nearly the same?"""
    return [near for near in similar(title, body) if near.number != number and near.likeness >= NEAR_DUPLICATE]


def _duplicates(number: str, attributes: documents.Attributes, body: str, similar: Similar | None) -> Check:
    if similar is None:
        return Check(
            "重复", Finding.LOOK, "检索不可用，未能查重 · search is unavailable, duplicates were not looked for"
        )
    near = alike(number, attributes.title, body, similar)
    problems = [
        f"与 {n.number}《{n.title}》相近（{n.likeness:.0%}），可引用已有{_difference(n)} · near-duplicate: refer to it"
        for n in near
    ]
    return _finding("重复", problems, "没有发现近似词条 · no near-duplicates", bad=Finding.LOOK)
