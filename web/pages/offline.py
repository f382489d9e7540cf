"""What does a browser need to go on without a line? A manifest, a worker that keeps copies, and who is signed in.

The worker keeps what this person opened and nothing of anybody else: every page says whose it is in a header, and the first
page of another person, or of nobody, empties what was kept.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from flask import Blueprint, Response, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf

from web.context import person

bp = Blueprint("offline", __name__)
PERSON_HEADER = "Wenqu-Person"  # the number of the account a page was made for; empty for nobody's
_WORKER = "service-worker.js"
_SHELL = (".css", ".js", ".svg")


@bp.after_app_request
def whose(response: Response) -> Response:
    """Say for whom a page, or a picture on it, was made."""
    if response.mimetype == "text/html" or (response.mimetype.startswith("image/") and request.endpoint != "static"):
        response.headers[PERSON_HEADER] = str(person().id or "")
    return response


@bp.get("/manifest.webmanifest")
def manifest() -> ResponseReturnValue:
    """What a phone shows once the site is put on its home screen."""
    icon = {"src": url_for("static", filename="icon.svg"), "type": "image/svg+xml", "sizes": "any"}
    about = {
        "name": "问渠 运维知识库",
        "short_name": "问渠",
        "lang": "zh-CN",
        "start_url": url_for("home.show"),
        "scope": url_for("home.show"),
        "display": "standalone",
        "background_color": "#f6f7f6",
        "theme_color": "#0a5a69",
        "icons": [icon | {"purpose": purpose} for purpose in ("any", "maskable")],
    }
    return Response(json.dumps(about, ensure_ascii=False), mimetype="application/manifest+json")


@bp.get(f"/{_WORKER}")
def worker() -> ResponseReturnValue:
    """The worker, at the root so that it sees every page; it changes with the files that it keeps."""
    folder = Path(str(current_app.static_folder))
    files = sorted(path for path in folder.iterdir() if path.suffix in _SHELL and path.name != _WORKER)
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    shell = {
        "name": f"shell-{digest[:12]}",
        "files": [*(url_for("static", filename=path.name) for path in files), url_for("offline.show")],
        "page": url_for("offline.show"),
        "static": url_for("static", filename=""),
    }
    script = (folder / _WORKER).read_text("utf-8")
    return Response(f"const SHELL = {json.dumps(shell)};\n{script}", mimetype="text/javascript")


@bp.get("/offline")
def show() -> ResponseReturnValue:
    """What is shown without a line where no copy was kept; the same for everybody."""
    return render_template("offline/show.html")


@bp.get("/offline/session")
def session() -> ResponseReturnValue:
    """Who is signed in now, and the token with which they may send: a copy of a page has those of its own time."""
    token = generate_csrf() if person().id is not None else ""
    return {"person": str(person().id or ""), "csrf": token}
