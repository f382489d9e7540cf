"""Who must hear of a change, and what have I not read yet?

Every change leaves an audit row; in the same transaction RULES say who hears of it. A notice is a recipient, the audit
row and why this person is told: text, number and title are read when it is shown, and so is whether the reader may still
see the record. Nobody is told of what they did themselves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session, joinedload

from kb import access, clock, searches
from kb.access import Permission, Person, may_see
from kb.db import columns
from kb.lifecycle import DONE_INCIDENT, RevisionState, Role
from kb.models import (
    AuditRow,
    Category,
    Change,
    Delegation,
    Doubt,
    Entry,
    Handover,
    Incident,
    Mail,
    Notice,
    Problem,
    Revision,
    Search,
    Unit,
    User,
)

KEEP_READ = dt.timedelta(days=90)
KEEP_UNREAD = dt.timedelta(days=365)
VAIN_FOR = dt.timedelta(days=30)  # that a search in vain is remembered to whoever asked
MOST_VAIN = 5_000  # of the newest searches in vain that a new solution is held against
MOST_REASON = 200  # characters of a reason that a notice shows


@dataclass(frozen=True)
class Rule:
    """What a change is called in a notice, who hears of it, and whether it is worth a mail."""

    zh: str
    en: str
    who: tuple[str, ...]
    mail: bool = False


NOBODY = Rule("", "", ())

# (type of the record, action of the audit): every action used in the code stands here, with whom to tell or NOBODY.
RULES: dict[tuple[str, str], Rule] = {
    ("incident", "report"): Rule("登记了报修", "reported a fault", ("maintenance",), mail=True),
    ("incident", "take"): Rule("接了单", "took it", ("reporter", "assignee")),
    ("incident", "hand_over"): Rule("移交", "handed it over", ("handed_to", "handed_from", "reporter"), mail=True),
    ("incident", "wait"): Rule("挂起", "set it aside", ("reporter", "assignee")),
    ("incident", "resolve"): Rule("标记已解决", "marked it resolved", ("reporter", "assignee")),
    ("incident", "verify_signed_link"): Rule("经链接确认已解决", "confirmed the repair by link", ("assignee",)),
    ("incident", "verify_call_back"): Rule("回访确认已解决", "heard by phone that it is repaired", ("assignee",)),
    ("incident", "verify_on_site"): Rule(
        "凭确认码现场确认已解决", "has the code of the door", ("assignee", "reporter")
    ),
    ("incident", "unclear"): Rule(
        "记下了矛盾的答复，须再问", "heard a doubtful answer: ask again", ("assignee", "reporter")
    ),
    ("incident", "wrong_code"): Rule("输错了确认码", "typed a wrong code at the door", ("assignee", "reporter")),
    ("incident", "renew_code"): NOBODY,
    ("incident", "attempt"): Rule("联系过用户", "tried to reach the user", ("assignee", "reporter")),
    ("incident", "close"): Rule("关闭", "closed it", ("reporter", "assignee", "solution_author")),
    ("incident", "reopen"): Rule("重开", "reopened it", ("handlers", "reporter", "solution_author"), mail=True),
    ("incident", "cancel"): Rule("取消", "cancelled it", ("reporter", "assignee")),
    ("incident", "merge"): Rule("并入另一事件", "merged it into another", ("reporter", "assignee")),
    ("incident", "merged_in"): Rule("并入了一件报修", "merged another report into it", ("assignee",)),
    ("incident", "parent"): Rule("改了所属的区域故障", "set the area fault it is part of", ("assignee",)),
    ("incident", "link"): Rule("关联了解决方案", "gave it a solution", ("assignee",)),
    ("incident", "relink"): Rule("更换了解决方案", "changed its solution", ("assignee",)),
    ("incident", "solution_revised"): NOBODY,  # who handed it in hears of the return, and writes it anew
    ("incident", "solution_retired"): Rule("停用了它的方案", "retired its solution", ("handlers",), mail=True),
    ("incident", "rate"): Rule("给了评价", "rated the repair", ("assignee",)),
    ("incident", "refer"): NOBODY,
    ("incident", "note"): Rule("记了备注", "wrote a note", ("assignee",)),
    ("incident", "photo"): Rule("加了照片", "added a photo", ("assignee",)),
    ("incident", "import"): NOBODY,
    ("revision", "revise"): Rule("开始修订", "began a new revision", ("published_author",)),
    ("revision", "submit"): NOBODY,  # it is assigned in the same step
    ("revision", "review_assigned"): Rule("请您审核", "asks for your review", ("turn",), mail=True),
    ("revision", "recall"): NOBODY,
    ("revision", "discard"): Rule("放弃了修订", "gave the revision up", ("author", "waiting"), mail=True),
    ("revision", "content_approve"): Rule(
        "内容审核通过", "approved the content", ("author", "waiting", "searched"), mail=True
    ),
    ("revision", "formal_approve"): Rule(
        "形式审核通过", "approved the form", ("author", "waiting", "searched"), mail=True
    ),
    ("revision", "content_return"): Rule("内容审核退回", "returned the content", ("author", "waiting"), mail=True),
    ("revision", "formal_return"): Rule("形式审核退回", "returned the form", ("author", "waiting"), mail=True),
    ("revision", "correct"): Rule("作了小改", "corrected a slip", ("base_author", "leads")),
    ("revision", "review_reminded"): Rule("审核将到期", "the review is due", ("turn",), mail=True),
    ("revision", "review_escalated"): Rule("审核已超期", "the review is overdue", ("leads", "managers"), mail=True),
    ("revision", "publish_scheduled"): Rule(
        "按期发布", "published it on its day", ("author", "waiting", "searched"), mail=True
    ),
    ("revision", "supersede"): NOBODY,
    ("revision", "check_in_library"): NOBODY,
    ("revision", "check_in_imported"): NOBODY,
    ("entry", "create"): NOBODY,
    ("entry", "publish"): NOBODY,  # its revision was approved in the same step
    ("entry", "import"): NOBODY,
    ("entry", "retire"): Rule("停用", "retired it", ("published_author",), mail=True),
    ("entry", "expire"): Rule("已到期", "it has expired", ("published_author", "leads"), mail=True),
    ("entry", "validity_reminded"): Rule("将到期", "it expires soon", ("published_author", "leads"), mail=True),
    ("entry", "question"): Rule("提出疑问", "doubts it", ("published_author", "leads"), mail=True),
    ("entry", "doubt_confirmed"): Rule("确认无误", "confirmed it", ("doubters", "published_author")),
    ("entry", "doubt_revised"): Rule("修订后发布", "published a revision", ("doubters",)),
    ("entry", "doubt_retired"): Rule("因疑问停用", "retired it for the doubt", ("doubters",)),
    ("entry", "capture"): NOBODY,
    ("entry", "withdraw_captured"): NOBODY,
    ("entry", "remove_captured"): NOBODY,
    ("problem", "begin"): Rule("把您的事件归入问题", "opened a problem of your incident", ("its_handlers",)),
    ("problem", "investigate"): Rule("开始调查", "investigates it", ("owner", "opener")),
    ("problem", "write_down"): Rule("记录了原因与临时措施", "wrote down cause and workaround", ("owner", "opener")),
    ("problem", "know"): Rule("列为已知错误", "made it a known error", ("owner", "opener", "its_handlers")),
    ("problem", "resolve"): Rule("标记已解决", "marked it resolved", ("owner", "opener")),
    ("problem", "close"): Rule("关闭", "closed it", ("owner", "opener")),
    ("problem", "cancel"): Rule("取消", "cancelled it", ("owner", "opener")),
    ("problem", "add_incident"): Rule("归入了一件事件", "added an incident", ("owner", "opener")),
    ("problem", "remove_incident"): Rule("移出了一件事件", "removed an incident", ("owner", "opener")),
    ("problem", "link"): Rule("选定了解决方案", "chose its solution", ("owner", "opener")),
    ("problem", "relink"): Rule("更换了解决方案", "changed its solution", ("owner", "opener")),
    ("problem", "offer"): NOBODY,  # each incident that takes it is linked
    ("change", "begin"): NOBODY,
    ("change", "rename_plans"): NOBODY,
    ("change", "submit_change"): Rule("提交了变更，待批准", "asks for approval", ("deciders",), mail=True),
    ("change", "take_back"): Rule("收回变更", "took it back", ("approver", "implementer"), mail=True),
    ("change", "approve_change"): Rule("批准", "approved it", ("requester",), mail=True),
    ("change", "reject_change"): Rule("否决", "rejected it", ("requester",), mail=True),
    ("change", "schedule"): Rule("定了窗口和实施人", "set its window", ("implementer", "requester"), mail=True),
    ("change", "start"): Rule("开始实施", "began the work", ("requester", "approver")),
    ("change", "finish"): Rule("实施完成", "finished the work", ("requester", "approver")),
    ("change", "roll_back"): Rule("回退", "rolled it back", ("requester", "implementer", "approver"), mail=True),
    ("change", "record_results"): Rule("填写了结果", "recorded the results", ("requester", "implementer", "approver")),
    ("change", "review_change"): Rule("评审了结果", "reviewed the results", ("requester", "implementer")),
    ("change", "close"): Rule("关闭", "closed it", ("requester", "implementer")),
    ("change", "cancel"): Rule("取消", "cancelled it", ("requester", "implementer", "approver"), mail=True),
    ("change", "tie"): Rule("关联了问题或事件", "tied a problem or an incident to it", ("requester",)),
    ("user", "delegate_reviews"): Rule("请您代为审核", "asks you to review instead", ("deputies",), mail=True),
    ("user", "end_delegation"): Rule("收回了代办的审核", "reviews again", ("deputies",)),
    ("user", "create"): NOBODY,
    ("user", "set_password"): Rule("修改了您的密码", "changed your password", ("account",)),
    ("user", "change"): Rule("修改了您的账号", "changed your account", ("account",)),
    ("user", "set_email"): Rule("修改了您的邮件地址", "changed your e-mail address", ("account",)),
    ("unit", "create"): NOBODY,
    ("unit", "rename"): NOBODY,
    ("unit", "move"): NOBODY,
    ("category", "create"): NOBODY,
    ("category", "retire"): NOBODY,
    ("category", "restore"): NOBODY,
    ("category", "rename"): NOBODY,
}


# --- who is meant ------------------------------------------------------------------------------------------------

Find = Callable[[Session, Any], Iterable[int | None]]


def _leads(session: Session, record: Revision | Entry) -> list[int]:
    """Technical leads whose groups include the owner group; all leads where it has none."""
    owner = record.owner_group if isinstance(record, Entry) else record.attributes["owner_group"]
    unit = session.scalar(select(Unit).where(Unit.key == owner))
    above: list[int] = []
    while unit is not None:
        above.append(unit.id)
        unit = unit.parent
    every = _of_role(session, Role.REVIEWER)
    return list(session.scalars(every.where(User.unit_id.in_(above)))) or list(session.scalars(every))


def _managers(session: Session, _record: object) -> Iterable[int]:
    return session.scalars(_of_role(session, Role.KNOWLEDGE_MANAGER))


def _of_role(session: Session, role: Role) -> Select[int]:
    return select(User.id).where(User.role == role, User.active.is_(True))


def _maintenance(session: Session, incident: Incident) -> list[int]:
    """Whoever belongs to the district or to the group that looks after it; all leads where nobody does."""
    district = session.get(Unit, incident.district_id) if incident.district_id else None
    units = [district.id, district.parent_id] if district is not None else []
    near = session.scalars(select(User.id).where(User.unit_id.in_(units), User.active.is_(True)))
    return list(near) or list(session.scalars(_of_role(session, Role.REVIEWER)))


def _handlers(session: Session, incident: Incident) -> list[int]:
    return [incident.assignee_id] if incident.assignee_id is not None else _maintenance(session, incident)


def _published_author(session: Session, record: Revision | Entry) -> Iterator[int | None]:
    entry = record if isinstance(record, Entry) else record.entry
    if entry.published_revision_id is not None:
        yield session.get_one(Revision, entry.published_revision_id).author_id


def _solution_author(session: Session, incident: Incident) -> Iterator[int | None]:
    if incident.solution_revision_id is not None:
        yield session.get_one(Revision, incident.solution_revision_id).author_id


def _waiting(session: Session, revision: Revision) -> Iterable[int | None]:
    """Who works on an incident that cannot close before this revision is approved; half an approval does not help."""
    if revision.state not in (RevisionState.APPROVED, RevisionState.RETURNED):
        return ()
    return session.scalars(
        select(Incident.assignee_id).where(
            Incident.solution_revision_id == revision.id, Incident.state.not_in(sorted(DONE_INCIDENT))
        )
    )


def _handover(session: Session, incident: Incident) -> Handover:
    return session.scalars(
        select(Handover).where(Handover.incident_id == incident.id).order_by(Handover.id.desc()).limit(1)
    ).one()


def _handed_to(session: Session, incident: Incident) -> Iterable[int | None]:
    """The person it was handed to, else whoever belongs to the group, else the leads."""
    made = _handover(session, incident)
    if made.to_user_id is not None:
        return [made.to_user_id]
    group = select(User.id).where(User.unit_id.in_([made.to_unit_id]), User.active.is_(True))  # none has no unit
    return list(session.scalars(group)) or session.scalars(_of_role(session, Role.REVIEWER))


def _turn(session: Session, revision: Revision) -> list[int]:
    """Whose turn it is to review; the leads where it is nobody's."""
    return [revision.assignee_id] if revision.assignee_id is not None else _leads(session, revision)


def _base_author(session: Session, revision: Revision) -> Iterator[int | None]:
    if revision.base_id is not None:
        yield session.get_one(Revision, revision.base_id).author_id


def _doubters(session: Session, entry: Entry) -> Iterable[int | None]:
    """Who raised the doubts that were answered last."""
    last = select(func.max(Doubt.answered_at)).where(Doubt.entry_id == entry.id).scalar_subquery()
    return session.scalars(select(Doubt.raised_by_id).where(Doubt.entry_id == entry.id, Doubt.answered_at == last))


def _deputies(session: Session, user: User) -> Iterable[int]:
    """Who has this lead's turns, or had them until yesterday."""
    since = clock.today() - dt.timedelta(days=1)
    return session.scalars(select(Delegation.to_id).where(Delegation.from_id == user.id, Delegation.ends >= since))


def _its_handlers(session: Session, problem: Problem) -> Iterator[int | None]:
    return (incident.assignee_id for incident in problem.incidents if incident.state not in DONE_INCIDENT)


def _deciders(session: Session, change: Change) -> Iterable[int]:
    """All who may approve it; who asked for it is not among them."""
    return session.scalars(_of_role(session, Role.REVIEWER).where(User.id != change.requester_id))


def _searched(session: Session, revision: Revision) -> list[int | None]:
    """Staff who lately looked for this in vain: from the incident it was written for, or in words like its title."""
    if revision.state != RevisionState.APPROVED or revision.number > 1:
        return []
    title = searches.normalise(revision.title)
    rows = session.execute(
        select(Search.person_id, Search.key, Search.incident_id)
        .where(
            Search.at >= clock.now() - VAIN_FOR,
            Search.person_id.is_not(None),
            or_(Search.hits == 0, Search.relaxed != ""),
            Search.opened_id.is_(None),
            Search.linked_id.is_(None),
        )
        .order_by(Search.id.desc())
        .limit(MOST_VAIN)
    )
    own = revision.incident_id
    return [person for person, key, incident in rows if (own and incident == own) or searches.refines(key, title)]


@dataclass(frozen=True)
class Who:
    """Why somebody is told, and who that is."""

    zh: str
    en: str
    find: Find


WHO: dict[str, Who] = {
    "author": Who("您写的", "you wrote it", lambda session, revision: [revision.author_id]),
    "published_author": Who("在用的一版是您写的", "you wrote the revision in use", _published_author),
    "solution_author": Who("用的是您写的方案", "it rests on your solution", _solution_author),
    "waiting": Who("您的事件等着它", "your incident waits for it", _waiting),
    "turn": Who("轮到您审核", "it is your turn", _turn),
    "base_author": Who("改的是您写的", "you wrote what was corrected", _base_author),
    "doubters": Who("您提出过疑问", "you doubted it", _doubters),
    "leads": Who("您负责审核", "you review such entries", _leads),
    "managers": Who("您管理知识", "you manage knowledge", _managers),
    "assignee": Who("您负责处理", "you are handling it", lambda session, incident: [incident.assignee_id]),
    "handlers": Who("您或您的维护组处理", "you or your group handle it", _handlers),
    "handed_to": Who("交给您或您的组", "it is yours or your group's now", _handed_to),
    "handed_from": Who(
        "原由您处理", "you handled it", lambda session, incident: [_handover(session, incident).from_user_id]
    ),
    "maintenance": Who("您负责的片区，或片区不明", "your district, or none is known", _maintenance),
    "reporter": Who("您登记的", "you reported it", lambda session, incident: [incident.opened_by_id]),
    "searched": Who("您查过而没有查到", "you searched for it in vain", _searched),
    "owner": Who("您负责调查", "you investigate it", lambda session, problem: [problem.owner_id]),
    "opener": Who("您建的", "you opened it", lambda session, problem: [problem.opened_by_id]),
    "its_handlers": Who("您处理其中的事件", "you handle an incident of it", _its_handlers),
    "requester": Who("您申请的", "you asked for it", lambda session, change: [change.requester_id]),
    "approver": Who("您批准的", "you approved it", lambda session, change: [change.approver_id]),
    "implementer": Who("由您实施", "you implement it", lambda session, change: [change.implementer_id]),
    "deciders": Who("您可以批准", "you may decide", _deciders),
    "deputies": Who("您代办", "you stand in", _deputies),
    "account": Who("您的账号", "your account", lambda session, user: [user.id]),
}


# --- records, and who may read them --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Subject:
    """A kind of record that notices are about."""

    model: type[Any]
    number: Callable[[Any], str]
    title: Callable[[Any], str]
    readable: Callable[[Person, Any], bool]


def _reads_entry(by: Person, audience: str, owner: str) -> bool:
    return by.may(Permission.READ_STAFF) and may_see(by, audience, owner)


SUBJECTS: dict[str, Subject] = {
    "incident": Subject(
        Incident,
        lambda incident: incident.number,
        lambda incident: incident.title,
        lambda by, incident: by.may(Permission.HANDLE_INCIDENTS),
    ),
    "entry": Subject(
        Entry,
        lambda entry: entry.number,
        lambda entry: entry.title,
        lambda by, entry: _reads_entry(by, entry.audience, entry.owner_group),
    ),
    "revision": Subject(
        Revision,
        lambda revision: revision.entry.number,
        lambda revision: revision.title,
        lambda by, revision: _reads_entry(by, revision.attributes["audience"], revision.attributes["owner_group"]),
    ),
    "problem": Subject(
        Problem,
        lambda problem: problem.number,
        lambda problem: problem.title,
        lambda by, problem: by.may(Permission.HANDLE_PROBLEMS),
    ),
    "change": Subject(
        Change,
        lambda change: change.number,
        lambda change: change.title,
        lambda by, change: by.may(Permission.HANDLE_CHANGES),
    ),
    "user": Subject(
        User,
        lambda user: user.username,
        lambda user: user.display_name,
        lambda by, user: by.id == user.id or by.may(Permission.REVIEW),  # a deputy reads who asks
    ),
    "unit": Subject(
        Unit,
        lambda unit: unit.key,
        lambda unit: unit.name,
        lambda by, unit: by.may(Permission.READ_STAFF),
    ),
    "category": Subject(
        Category,
        lambda category: category.path,
        lambda category: category.path,
        lambda by, category: by.may(Permission.READ_STAFF),
    ),
}


# --- writing -----------------------------------------------------------------------------------------------------


def announce(session: Session, by: Person, subject: Any, row: AuditRow) -> None:
    """Tell whom the rules name of a new audit row, in its transaction. Called by `audit.record` alone."""
    rule = RULES.get((row.subject_type, row.action), NOBODY)
    if not rule.who:
        return
    with session.no_autoflush:  # to read here must not change when a use case writes
        chosen: dict[int, str] = {}
        for who in rule.who:
            for person in WHO[who].find(session, subject):
                if person is not None and person != by.id:
                    chosen.setdefault(person, who)
        readable = SUBJECTS[row.subject_type].readable
        for user in session.scalars(select(User).where(User.id.in_(chosen), User.active.is_(True))):
            if readable(access.person(session, user), subject):
                notice = Notice(recipient_id=user.id, audit=row, because=chosen[user.id])
                session.add(notice)
                if rule.mail and user.email:
                    session.add(Mail(notice=notice))


def mark_read(session: Session, by: Person, ids: Sequence[int] | None = None, *, until: int | None = None) -> int:
    """Mark one's own notices read: those with these ids, or all up to one. Returns how many were unread."""
    query = update(Notice).where(Notice.recipient_id == by.id, Notice.read_at.is_(None))
    query = query.where(Notice.id.in_(ids)) if ids is not None else query
    query = query.where(Notice.id <= until) if until is not None else query
    return session.connection().execute(query.values(read_at=clock.now())).rowcount


def forget(session: Session) -> None:
    """Drop notices that are old, and their mails. A timer calls this."""
    now = clock.now()
    old = or_(
        Notice.created_at < now - KEEP_UNREAD,
        and_(Notice.read_at.is_not(None), Notice.created_at < now - KEEP_READ),
    )
    gone = list(session.scalars(select(Notice.id).where(old).limit(5_000)))
    session.execute(delete(Mail).where(Mail.notice_id.in_(gone)))
    session.execute(delete(Notice).where(Notice.id.in_(gone)))


# --- reading -----------------------------------------------------------------------------------------------------


_NOBODYS_NAMES = {"系统": "the system", "用户": "the user"}  # of those without an account, in English


@dataclass(frozen=True)
class Item:
    """A notice as its recipient may see it: `record` is None, and nothing of it is told, when they no longer may."""

    notice: Notice
    record: Any
    number: str
    title: str

    @property
    def type(self) -> str:
        return self.notice.audit.subject_type

    @property
    def reason(self) -> str:
        return self.notice.audit.reason[:MOST_REASON] if self.record is not None else ""

    def said(self, language: str = "zh") -> str:
        """What happened and why you are told, in one sentence."""
        if self.record is None:
            return "您已无权查看的记录有变化" if language == "zh" else "a record that you may no longer see has changed"
        return f"{self.actor(language)} {self.what(language)}"

    def actor(self, language: str) -> str:
        name = self.notice.audit.actor
        return name if language == "zh" else _NOBODYS_NAMES.get(name, name)

    def what(self, language: str) -> str:
        """What the actor did, and why you are told."""
        audit = self.notice.audit
        rule, who = RULES.get((audit.subject_type, audit.action), NOBODY), WHO.get(self.notice.because)
        did = getattr(rule, language) or audit.action
        why = getattr(who, language) if who is not None else self.notice.because
        return f"{did}（{why}）" if language == "zh" else f"{did} ({why})"


# Made once: to make it for each page takes longer than to run it.
_UNREAD = select(func.count()).where(Notice.recipient_id == bindparam("recipient"), Notice.read_at.is_(None))


def unread(session: Session, by: Person) -> int:
    """How many notices has this person not read? Asked for every page."""
    return int(columns(session, _UNREAD, {"recipient": by.id}).scalar_one())


def inbox(session: Session, by: Person, *, only_unread: bool = False, limit: int = 100) -> list[Item]:
    """One's own notices, unread ones first, the newest first; a fixed number of statements."""
    query = select(Notice).where(Notice.recipient_id == by.id).options(joinedload(Notice.audit))
    if only_unread:
        query = query.where(Notice.read_at.is_(None))
    rows = list(session.scalars(query.order_by(Notice.read_at.is_not(None), Notice.id.desc()).limit(limit)))
    records = {
        (name, record.id): record
        for name, subject in SUBJECTS.items()
        for record in _load(
            session, name, subject, {row.audit.subject_id for row in rows if row.audit.subject_type == name}
        )
    }
    return [_item(by, row, records.get((row.audit.subject_type, row.audit.subject_id))) for row in rows]


def _load(session: Session, name: str, subject: Subject, ids: set[int]) -> Iterable[Any]:
    if not ids:
        return ()
    query = select(subject.model).where(subject.model.id.in_(ids))
    return session.scalars(query.options(joinedload(Revision.entry)) if name == "revision" else query)


def item(session: Session, by: Person, notice: Notice) -> Item:
    """One notice as its recipient may see it now."""
    subject = SUBJECTS.get(notice.audit.subject_type)
    return _item(by, notice, session.get(subject.model, notice.audit.subject_id) if subject else None)


def _item(by: Person, notice: Notice, record: Any) -> Item:
    subject = SUBJECTS.get(notice.audit.subject_type)
    if record is None or subject is None or not subject.readable(by, record):
        return Item(notice, None, "", "")
    return Item(notice, record, subject.number(record), subject.title(record))
