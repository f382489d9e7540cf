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


def confirmation(incident: Incident) -> str:
    """The address where the reporter follows the incident and has the last word on the repair."""
    path = url_for("report.confirm", token=_serializer().dumps(incident.number))
    base = services().settings.base_url.rstrip("/")
    return (
        f"{base}{path}"
        if base
        else url_for("report.confirm", token=_serializer().dumps(incident.number), _external=True)
    )


def incident_number(token: str) -> str:
    """The incident that a link is about. Raises NotFound for what we did not sign, or too long ago."""
    try:
        return str(_serializer().loads(token, max_age=LIFETIME_S))
    except BadSignature as exc:
        raise NotFound("链接无效或已过期，请致电报修 · the link is not valid any more; please call us") from exc


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=_SALT)
