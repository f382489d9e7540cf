"""The queue and the two decisions for programs."""

from __future__ import annotations

from tests.kb import samples
from tests.web.conftest import person_of


def test_the_queue_and_both_decisions(site, browse):
    with site.database.write() as session:
        revision = samples.submitted(session, person_of(site, "tech"), title="经接口审核的方案")
        session.commit()
        revision_id = revision.id
    lead = browse("lead")
    [waiting] = lead.get("/api/v1/reviews").json["reviews"]
    assert (waiting["id"], waiting["title"], waiting["decided"]) == (revision_id, "经接口审核的方案", [])
    path = f"/api/v1/reviews/{revision_id}"
    assert lead.send(path, part="formal", decision="return").status_code == 422
    assert lead.send(path, part="style", decision="approve").status_code == 422
    assert lead.send(path, part="content", decision="approve").json["state"] == "in_review"
    assert lead.send(path, part="formal", decision="approve").json["decided"] == ["content_approve", "formal_approve"]
    assert lead.get("/api/v1/reviews").json["reviews"] == []
    assert lead.send("/api/v1/reviews/99999", part="content", decision="approve").status_code == 404


def test_turns_are_passed_on_and_delegated(site, browse):
    with site.database.write() as session:
        revision_id = samples.submitted(session, person_of(site, "tech")).id
        session.commit()
    lead, path = browse("lead"), f"/api/v1/reviews/{revision_id}/assign"
    assert browse("tech2").send(path, assignee="lead2", reason="忙").status_code == 403
    assert "assignee" in lead.send(path, assignee="tech2", reason="忙").json["fields"]
    assert "reason" in lead.send(path, assignee="lead2", reason=" ").json["fields"]
    assert lead.send(path, assignee="lead2", reason="接入的问题").json["assignee"] == "lead2"
    place = "/api/v1/reviews/delegations"
    assert browse("tech").get(place).status_code == 403
    assert "to" in lead.send(place, to="lead", starts="2026-11-01", ends="2099-01-01").json["fields"]
    [made] = lead.send(place, to="lead2", starts="2026-11-01", ends="2099-01-01", reason="休假").json["delegations"]
    assert (made["to"], made["ends"]) == ("lead2", "2099-01-01")
    assert browse("lead2").send(f"{place}/{made['id']}/end").status_code == 404
    assert lead.get(place).json["delegations"] == [made]
    assert lead.send(f"{place}/{made['id']}/end").json["delegations"] == []
