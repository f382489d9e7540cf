"""How does a subscriber without an account prove that an incident is theirs? By a signed link that only they were given.

The link is shown to whoever reported, never to staff: a confirmation through it is the user's own word.
"""

from __future__ import annotations

from flask import current_app, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer

from kb.errors import NotFound
from kb.models import Incident
from web.context import services

LIFETIME_S = 30 * 24 * 3600  # seconds; a repair takes days, the call about it may take weeks
_SALT = "incident-confirmation"


def confirmation(incident: Incident, code: str = "") -> str:
    """The address where the reporter follows the incident and has the last word on the repair. The link carries the code for
    the technician at the door, so that only who holds the link can read it: the database has its hash alone."""
    token = _serializer().dumps([incident.number, code])
    base = services().settings.base_url.rstrip("/")
    path = url_for("report.confirm", token=token)
    return f"{base}{path}" if base else url_for("report.confirm", token=token, _external=True)


def read(token: str) -> tuple[str, str]:
    """The incident that a link is about, and the code it carries. Raises NotFound for what we did not sign, or too long ago."""
    try:
        number, code = _serializer().loads(token, max_age=LIFETIME_S)
    except (BadSignature, ValueError) as exc:
        raise NotFound("链接无效或已过期，请致电报修 · the link is not valid any more; please call us") from exc
    return str(number), str(code)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=_SALT)
