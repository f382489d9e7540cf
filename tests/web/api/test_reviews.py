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
