"""The same product for programs: JSON over the same functions of kb and search, under /api/v1.

Whoever calls signs in by session cookie (then every change carries the CSRF token in `X-CSRFToken`) or by HTTP Basic.
Errors are RFC 9457 problem JSON; `/openapi.json` describes it all and `/api` shows that to people.
"""

from __future__ import annotations

from apiflask import APIFlask

from web.api import changes, docs, entries, incidents, notices, problems, reviews, search


def init_app(app: APIFlask) -> None:
    for module in (search, entries, incidents, reviews, problems, changes, notices):
        app.register_blueprint(module.bp)
    app.register_blueprint(docs.bp)
    app.security_schemes = {
        "basic": {"type": "http", "scheme": "basic"},
        "session": {"type": "apiKey", "in": "cookie", "name": app.config["SESSION_COOKIE_NAME"]},
    }
