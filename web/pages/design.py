"""What is the interface made of? The design system, each piece shown as it is and with the markup that makes it."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

bp = Blueprint("design", __name__)
COLOURS = (
    "ground", "surface", "sunken", "line", "edge", "ink", "quiet", "accent", "accent-soft", "good", "wait", "bad", "busy", "mark",
)  # fmt: skip
TYPE = ("h1", "h2", "h3", "text", "lead", "second", "small")


@bp.get("/design")
def show() -> ResponseReturnValue:
    return render_template("design/show.html", colours=COLOURS, type=TYPE)
