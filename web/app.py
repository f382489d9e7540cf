"""How are pages, API and services put together into one application?"""

from __future__ import annotations

import datetime as dt
from typing import cast

from apiflask import APIFlask
from flask import Response, request
from flask.json.provider import DefaultJSONProvider
from flask_compress import Compress
from markupsafe import Markup
from werkzeug.routing import IntegerConverter, Map

from kb.documents import MAX_BODY
from web import api, auth, context, errors, forms, labels, languages, pages
from web.pages import inbox
from web.services import Services, open_services

# Everything comes from us: no inline script or style, no foreign image, no frame around us.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_FORM_BYTES = 12 * MAX_BODY  # a Chinese character takes nine bytes in an urlencoded form, and there are other fields


class RowNumber(IntegerConverter):
    """A number in an address: one that no row can have is an address that does not exist."""

    def __init__(self, map: Map) -> None:
        super().__init__(map, max=forms.LARGEST)


def create_app(services: Services | None = None) -> APIFlask:
    """The application over an installation, by default the one that the settings name."""
    services = services or open_services()
    settings = services.settings
    app = APIFlask(
        __name__, title="问渠 Wenqu", version="1", spec_path="/openapi.json", docs_path=None, json_errors=False
    )
    app.extensions[context.EXTENSION] = services
    app.url_map.converters["int"] = RowNumber
    app.config.update(
        SECRET_KEY=settings.secret_key(),
        SESSION_COOKIE_NAME="wenqu",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        PERMANENT_SESSION_LIFETIME=dt.timedelta(hours=settings.session_hours),
        SESSION_REFRESH_EACH_REQUEST=False,  # an answer that comes late must not bring back a session that has ended
        WTF_CSRF_CHECK_DEFAULT=False,  # `auth.identify` decides, because the API has a second door
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a form may stay open over a lunch break
        MAX_CONTENT_LENGTH=max(settings.max_upload_mb * 1_000_000 + 1_000_000, _FORM_BYTES),
        MAX_FORM_MEMORY_SIZE=_FORM_BYTES,
        RATE_LIMIT=settings.rate_limit,
        OPENAPI_VERSION="3.1.0",
        JSON_SORT_KEYS=False,
        COMPRESS_STREAMS=False,  # what is sent as it is read would be left open
        SYNC_LOCAL_SPEC=False,
    )
    cast(DefaultJSONProvider, app.json).ensure_ascii = False  # Chinese stays readable
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    languages.init_app(app)
    labels.init_app(app)
    errors.init_app(app)
    auth.init_app(app, services.database)
    pages.init_app(app)
    api.init_app(app)
    auth.limit(app)

    # A page has a token beside what was typed, but no other site can ask for it unseen: the cookie is SameSite.
    Compress(app)

    @app.after_request
    def secure(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["X-Frame-Options"] = "DENY"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if request.endpoint == "static":
            response.direct_passthrough = False
            response.make_sequence()  # small and read whole, so that it is compressed
        else:
            private = context.person().id is not None or request.path.startswith(("/confirm", "/report", "/login"))
            response.headers["Cache-Control"] = "no-store" if private else "no-cache"
        return response

    @app.context_processor
    def everywhere() -> dict[str, object]:
        return {"person": context.person(), "Markup": Markup, "unread": inbox.unread}

    return app
