"""One's own password."""

from __future__ import annotations

import pytest

from tests.conftest import PASSWORD
from tests.web.test_auth import login

NEW = "another horse 10"


def change(browser, **form):
    return browser.post("/account", **({"password_now": PASSWORD, "password": NEW, "password_again": NEW} | form))


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(app, browse):
    here, elsewhere = browse("tech"), browse("tech")
    assert change(here).status_code == 302
    assert here.get("/incidents").status_code == 200
    assert elsewhere.get("/incidents").status_code == 302
    assert login(app, password=PASSWORD)[1].status_code == 401
    assert login(app, password=NEW)[1].status_code == 302


@pytest.mark.parametrize(
    ("form", "field"),
    [({"password_now": "wrong"}, "password_now"), ({"password": "short", "password_again": "short"}, "password"),
     ({"password_again": "different 123"}, "password_again")],
)  # fmt: skip
def test_what_is_wrong_is_named(browse, form, field):
    refused = change(browse("tech"), **form)
    assert refused.status_code == 422
    assert f'id="{field}-problem"' in refused.text


@pytest.mark.parametrize("target", ["/logout", "/login", "/login/", "/login?next=/login", "/logout#x"])
def test_signing_in_never_ends_at_signing_in_or_out(app, browse, target):
    """`/logout` answers a GET with an error, and `/login` would send one on to itself."""
    assert login(app, next=target)[1].location == "/"
    assert browse("tech").get("/login", query_string={"next": target}).location == "/"
