"""One's own notices for programs."""

from __future__ import annotations

from tests.kb import samples
from tests.web.conftest import person_of


def test_notices_are_listed_and_marked_read(site, browse):
    with site.database.write() as session:
        samples.submitted(session, person_of(site, "tech"), title="经接口审核的方案")
        session.commit()
    lead = browse("lead")
    answer = lead.get("/api/v1/notices").json
    notice = answer["notices"][0]
    assert (notice["type"], notice["action"], notice["because"], notice["read"]) == (
        "revision",
        "review_assigned",
        "turn",
        False,
    )
    assert (notice["title"], notice["said_en"]) == (
        "经接口审核的方案",
        "the system asks for your review (it is your turn)",
    )
    assert browse("lead2").send("/api/v1/notices/read", ids=[notice["id"]]).json == {"marked": 0}
    assert lead.send("/api/v1/notices/read", ids=[notice["id"]]).json == {"marked": 1}
    assert lead.get("/api/v1/notices").json["unread"] == answer["unread"] - 1
    assert lead.send("/api/v1/notices/read").json == {"marked": answer["unread"] - 1}
    assert lead.get("/api/v1/notices?unread=true").json == {"unread": 0, "notices": []}
    assert lead.get("/api/v1/notices?limit=0").status_code == 422
    assert browse("").get("/api/v1/notices").status_code == 401
