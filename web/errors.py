"""How does an error look to whoever caused it? One renderer: a page for people, RFC 9457 problem JSON for programs.

A page shows what had been typed, so that nothing is lost when a form could not be taken. A failure of our own shows an
id that stands in the log beside the trace, and never the trace.
"""

from __future__ import annotations

import logging
import secrets
from http import HTTPStatus
from typing import Any

from apiflask.exceptions import HTTPError
from flask import Flask, Response, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from kb import documents
from kb.errors import BadQuery, IndexUnavailable, Invalid, KBError, NotAllowed, StoreCorrupt
from web.context import person
from web.labels import LABELS, label

log = logging.getLogger(__name__)

# code -> what the page is headed with; also the list of problem types that the API page explains
TITLES: dict[str, str] = {
    "error": "出错了",
    "invalid": "请检查填写的内容",
    "bad_query": "没看懂这个查询",
    "not_found": "没有找到",
    "not_allowed": "没有权限",
    "sign_in_required": "请先登录",
    "bad_credentials": "用户名或密码不对",
    "conflict": "现在不能这样做",
    "bad_transition": "现在不能这样做",
    "gate_closed": "条件还不满足",
    "stale_version": "内容已被别人更新",
    "index_unavailable": "检索暂时不可用",
    "index_locked": "索引正被占用",
    "store_corrupt": "内容存储有损坏",
    "bad_request": "请求无法理解",
    "csrf": "页面已失效",
    "method_not_allowed": "不能这样访问",
    "too_large": "内容太大",
    "unsupported_media_type": "内容类型不对",
    "too_many_requests": "操作太频繁",
    "internal": "系统出错",
}
_HTTP: dict[int, tuple[str, str]] = {
    400: ("bad_request", "请求的格式不对 · the request could not be read"),
    404: ("not_found", "没有这个页面 · no such page"),
    405: ("method_not_allowed", "这个地址不接受这种请求 · the address does not take this method"),
    413: ("too_large", "上传或填写的内容超过上限 · what was sent exceeds the limit"),
    415: ("unsupported_media_type", "请以 application/json 发送 · send application/json"),
    429: ("too_many_requests", "操作太频繁，请稍等一分钟再试 · too many requests, wait a minute"),
}
_CSRF_TEXT = "页面放得太久或登录已变化，请返回刷新后再提交 · the page is out of date: reload it and submit again"


def init_app(app: Flask) -> None:
    app.register_error_handler(KBError, _expected)
    app.register_error_handler(HTTPError, _refused_input)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def wants_json() -> bool:
    """Is a program asking?"""
    if request.path.startswith(("/api/", "/health")) or request.path == "/openapi.json":
        return True
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def answer(code: str, status: int, detail: str, *, headers: dict[str, str] | None = None, **details: Any) -> Response:
    """The error as page or problem JSON."""
    if wants_json():
        problem = {
            "type": f"/api#{code}",
            "title": gettext(TITLES[code]),
            "status": status,
            "detail": detail,
            "code": code,
        }
        response = jsonify(problem | {name: value for name, value in details.items() if value})
        response.content_type = "application/problem+json"
    else:
        page = render_template(
            "errors/error.html", code=code, title=gettext(TITLES[code]), detail=detail, typed=_typed(), **details
        )
        response = Response(page, mimetype="text/html")
    response.status_code = status
    response.headers.extend(headers or {})
    return response


def _expected(error: KBError) -> ResponseReturnValue:
    code, status, headers = error.code, error.status, {}
    if isinstance(error, NotAllowed) and person().id is None:
        if code == NotAllowed.code:
            code, status = "sign_in_required", 401
        if not wants_json() and request.method == "GET":
            return redirect(url_for("account.login", next=request.full_path.rstrip("?")))
        headers = (
            {"WWW-Authenticate": 'Basic realm="Wenqu", charset="UTF-8"'} if request.path.startswith("/api/") else {}
        )
    if isinstance(error, IndexUnavailable | StoreCorrupt):
        log.error("%s: %s", error.code, error.message, exc_info=error)
    details = dict(error.details)
    if isinstance(error, Invalid):
        details |= {"problems": error.problems, "fields": error.fields}
    if isinstance(error, BadQuery):
        details["fields"] = {"q": error.message}
    return answer(code, status, error.message, headers=headers, **details)


def _refused_input(error: HTTPError) -> ResponseReturnValue:
    """APIFlask refused a body or query string: its report is by place, field and list of sentences."""
    if not isinstance(error.detail, dict) or not error.detail:
        code, detail = _HTTP.get(error.status_code, _HTTP[400])
        return answer(code, error.status_code, detail)
    refused = _refused_by_schema(error)
    if refused is not None:
        fields = {where or "_schema": said for where, said in documents.mistakes(refused)}
    else:
        fields = {
            name: "; ".join(said) if isinstance(said, list) else str(said)
            for place in error.detail.values()
            for name, said in (place.items() if isinstance(place, dict) else [("", place)])
        }
    return answer("invalid", 422, "; ".join(f"{name}: {said}" for name, said in fields.items()), fields=fields)


def _refused_by_schema(error: BaseException | None) -> ValidationError | None:
    """What pydantic said, from which our own sentences are made: APIFlask passes on only its English ones."""
    while error is not None and not isinstance(error, ValidationError):
        error = error.__cause__ or error.__context__
    return error


def _http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if isinstance(error, CSRFError):
        return answer("csrf", 400, _CSRF_TEXT)
    if error.response is not None or status < 400:
        return error  # a redirect of the router
    code, detail = _HTTP.get(status, ("bad_request" if status < 500 else "error", HTTPStatus(status).phrase))
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return answer(code, status, detail, headers=headers)


def _unexpected(error: Exception) -> ResponseReturnValue:
    incident = secrets.token_hex(4)
    log.error("error %s at %s %s", incident, request.method, request.path, exc_info=error)
    detail = f"已记录，编号 {incident}。请把编号告诉管理员 · logged as {incident}: tell your administrator"
    return answer("internal", 500, detail, id=incident)


def _typed() -> list[tuple[str, str]]:
    """What the form held, to be copied from the error page, under the names that the form gave it.

    Fields that have no name are the form's own business: its token, its version, the button that was pressed. What
    was chosen rather than typed is shown as it was called there.
    """
    if request.method != "POST" or not request.mimetype.startswith(("application/x-www-form", "multipart/form")):
        return []
    try:
        form = list(request.form.items(multi=True))
    except HTTPException:
        return []  # too large to be read at all
    names = LABELS["field"]
    return [
        (gettext(names[name]), label(text, name) if name in LABELS else text)
        for name, text in form
        if name in names and text.strip()
    ]
