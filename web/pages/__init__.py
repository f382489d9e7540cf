"""Which page answers at which address? One blueprint per noun, all registered here."""

from __future__ import annotations

from flask import Flask

from web.pages import (
    account,
    admin,
    audit,
    changes,
    design,
    dictionary,
    drafts,
    entries,
    golden,
    health,
    home,
    inbox,
    incidents,
    offline,
    organisation,
    preferences,
    problems,
    report,
    reviews,
    search,
    taxonomy,
    topology,
    upkeep,
    why,
)


def init_app(app: Flask) -> None:
    for module in (
        home,
        search,
        topology,
        why,
        entries,
        drafts,
        inbox,
        incidents,
        problems,
        changes,
        reviews,
        report,
        account,
        admin,
        dictionary,
        golden,
        upkeep,
        organisation,
        taxonomy,
        audit,
        health,
        preferences,
        offline,
        design,
    ):
        app.register_blueprint(module.bp)
    app.jinja_env.globals.update(theme=preferences.theme, here=preferences.here)
