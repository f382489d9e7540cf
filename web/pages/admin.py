"""What does whoever keeps the product running need? Health, the index, accounts, and single documents to take in."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select

from kb import accounts, importer, installation, taxonomy
from kb.access import Permission
from kb.documents import Audience
from kb.errors import Conflict, Invalid, KBError
from kb.importer import Defaults, File
from kb.lifecycle import Role
from kb.models import Entry, ImportedFile, User
from web import lists
from web.context import needs, person, services
from web.labels import label
from web.pages import health
from web.services import Services

log = logging.getLogger(__name__)
bp = Blueprint("admin", __name__, url_prefix="/admin")
_JOB = "wenqu-rebuild"
Work = Callable[[Callable[[int], None]], str]  # what a job does with a counter of documents, and what it says when done
_UPLOAD = "upload"  # the source that uploaded files are known under


class JobState(StrEnum):
    IDLE = "idle"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass
class Rebuild:
    """The rebuild, or change of the dictionary, that was started from a page, if any: one at a time in this process."""

    state: JobState = JobState.IDLE
    done: int = 0  # documents
    said: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)
    thread: threading.Thread | None = None

    def start(self, work: Work) -> None:
        """Run `work` in a thread. Raises Conflict while another one runs."""
        with self.lock:
            if self.state is JobState.RUNNING:
                raise Conflict("正在重建 · a rebuild is running")
            self.state, self.done, self.said = JobState.RUNNING, 0, ""
        self.thread = threading.Thread(target=self._run, args=(work,), name="rebuild", daemon=True)
        self.thread.start()

    def _run(self, work: Work) -> None:
        try:
            said = work(self._progress)
        except KBError as exc:
            self.state, self.said = JobState.FAILED, exc.message
        except Exception as exc:  # the thread's last chance to tell anybody
            log.exception("rebuild failed")
            self.state, self.said = JobState.FAILED, type(exc).__name__
        else:
            self.state, self.said = JobState.DONE, said

    def _progress(self, done: int) -> None:
        self.done = done


def rebuild_job() -> Rebuild:
    job: Rebuild = current_app.extensions.setdefault(_JOB, Rebuild())
    return job


@bp.get("")
@needs(Permission.OPERATE)
def show() -> ResponseReturnValue:
    with services().database.read() as session:
        return render_template(
            "admin/show.html",
            checks=health.checks(services()),
            job=rebuild_job(),
            entry_counts=lists.entry_counts(session),
            incident_counts=lists.incident_counts(session),
            mode=installation.mode(session),
        )


@bp.post("/index/rebuild")
@needs(Permission.OPERATE)
def rebuild() -> ResponseReturnValue:
    rebuild_job().start(partial(_rebuild, services()))
    return redirect(url_for("admin.show"))


def _rebuild(here: Services, progress: Callable[[int], None]) -> str:
    manifest = here.rebuild(progress=progress)
    return f"第 {manifest.generation} 代，{manifest.documents} 条 · generation {manifest.generation}, {manifest.documents} entries"


@bp.route("/import", methods=["GET", "POST"])
@needs(Permission.IMPORT)
def take_in() -> ResponseReturnValue:
    """Single Markdown files; a folder or an archive goes through the command, which shows progress and continues."""
    report, fields, status = None, {}, 200
    if request.method == "POST":
        try:
            report = _take_in()
        except Invalid as exc:
            fields, status = exc.fields, exc.status
    with services().database.read() as session:
        page = render_template(
            "admin/import.html",
            report=report,
            fields=fields,
            values={"category": Defaults.category, "audience": Defaults.audience, "owner_group": Defaults.owner_group}
            | request.form.to_dict(),
            categories=[(path, path) for path in taxonomy.paths(session, also=request.form.get("category", ""))],
            owner_groups=[(unit.key, unit.name) for unit in lists.units(session)],
        )
    return page, status


def _take_in() -> importer.ImportReport:
    files = [File(file.filename or "", file.read()) for file in request.files.getlist("files") if file.filename]
    fields = {}
    if not files:
        fields["files"] = "请选择 Markdown 文件 · choose Markdown files"
    if any(not file.path.lower().endswith(tuple(importer.MARKDOWN_SUFFIXES)) for file in files):
        fields["files"] = "只收 .md 文件 · Markdown files only"
    category, owner_group = request.form.get("category", ""), request.form.get("owner_group", "")
    with services().database.read() as session:
        if taxonomy.unknown(session, category):
            fields["category"] = "请选择类目 · choose a category"
        elif taxonomy.closed(session, category):
            fields["category"] = taxonomy.refusal(category)
    audience = request.form.get("audience", "")
    if audience not in set(Audience):
        fields["audience"] = "请选择受众 · choose an audience"
    here = services()
    for file in files:
        if known := _taken_before(file):
            fields["files"] = (
                f"「{file.path}」导入过，是 {known}，内容不同。要修改请在 {known} 上修订；是另一份资料请改名后导入 · "
                f"a different {file.path} was imported as {known}: revise that, or rename the file"
            )
    if fields:
        raise Invalid("; ".join(fields.values()), fields=fields)
    defaults = Defaults(category=category, audience=Audience(audience), owner_group=owner_group)
    return importer.load(here.database, here.store, person(), iter(files), source=_UPLOAD, defaults=defaults)


def _taken_before(file: File) -> str | None:
    """The entry that a file of this name became, if its content was another: names repeat, and no upload replaces."""
    with services().database.read() as session:
        return session.scalar(
            select(Entry.number)
            .join(ImportedFile, ImportedFile.entry_id == Entry.id)
            .where(
                ImportedFile.source == _UPLOAD,
                ImportedFile.path == file.path,
                ImportedFile.sha256 != hashlib.sha256(file.data).hexdigest(),
            )
        )


@bp.get("/users")
@needs(Permission.MANAGE_USERS)
def users() -> ResponseReturnValue:
    return _users(), 200


@bp.post("/users")
@needs(Permission.MANAGE_USERS)
def create_user() -> ResponseReturnValue:
    form = request.form
    try:
        with services().database.write() as session:
            user = accounts.create(
                session,
                person(),
                username=form.get("username", ""),
                display_name=form.get("display_name", ""),
                role=_role(form.get("role", "")),
                password=form.get("password", ""),
                unit_key=form.get("unit", ""),
            )
            session.commit()
    except (Invalid, Conflict) as exc:
        return _users(exc), exc.status
    flash(gettext("已建立账号 %(username)s", username=user.username), "good")
    return redirect(url_for("admin.users"))


@bp.post("/users/<username>")
@needs(Permission.MANAGE_USERS)
def change_user(username: str) -> ResponseReturnValue:
    """Role, unit and whether they may sign in; whatever sessions the account has, end."""
    form = request.form
    try:
        with services().database.write() as session:
            user = accounts.get(session, username)
            accounts.change(
                session,
                person(),
                user,
                role=_role(form.get("role", "")),
                active=form.get("active") == "1",
                unit=(form["unit"] or None) if "unit" in form else "",
            )
            session.commit()
    except (Invalid, Conflict) as exc:
        return _users(exc, of=username), exc.status
    flash(gettext("%(username)s 已更新", username=username), "good")
    return redirect(url_for("admin.users"))


@bp.post("/users/<username>/password")
@needs(Permission.MANAGE_USERS)
def reset_password(username: str) -> ResponseReturnValue:
    try:
        with services().database.write() as session:
            accounts.set_password(session, person(), accounts.get(session, username), request.form.get("password", ""))
            session.commit()
    except Invalid as exc:
        return _users(exc, of=username), exc.status
    flash(gettext("%(username)s 的密码已重设，请当面告知本人并请其修改", username=username), "good")
    return redirect(url_for("admin.users"))


def _role(value: str) -> Role:
    if value not in set(Role) - {Role.SUBSCRIBER}:
        raise Invalid("请选择角色 · choose a role", fields={"role": "请选择角色 · choose a role"})
    return Role(value)


def _asked_for(user: User, words: str, role: str) -> bool:
    """Is this account in the role that the list is narrowed to, and do its names or its unit have the words?"""
    said = f"{user.username} {user.display_name} {user.unit.name if user.unit else ''}".casefold()
    return words in said and role in ("", user.role)


def _users(error: KBError | None = None, *, of: str = "") -> str:
    """The accounts; what was refused stands in the form of the account `of`, or in the one for a new account."""
    words, role = request.args.get("q", "").strip()[:80].casefold(), request.args.get("role", "")
    with services().database.read() as session:
        everybody = lists.users(session)
        return render_template(
            "admin/users.html",
            users=[user for user in everybody if user.username == of or _asked_for(user, words, role)],
            counts=Counter(user.role for user in everybody),
            q=words,
            role=role,
            units=[(unit.key, unit.name) for unit in lists.units(session)],
            roles=[(role, label(role, "role")) for role in Role if role is not Role.SUBSCRIBER],
            error=error,
            of=of,
            fields=error.fields if isinstance(error, Invalid) else {},
            values=request.form.to_dict() if error else {},
        )
