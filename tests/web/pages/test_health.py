"""What monitors are told."""

from __future__ import annotations

from tests.kb import samples
from tests.web.conftest import person_of


def test_a_sound_installation_is_ok(browse):
    answer = browse("").get("/health")
    assert (answer.status_code, answer.json["status"]) == (200, "ok")
    assert set(answer.json["checks"]) == {"database", "index", "golden", "outbox", "store", "mail"}
    assert answer.json["kernel"] in ("native", "numpy")
    assert browse("").get("/health/live").json == {"status": "ok"}


def test_a_missing_index_is_503_and_names_no_path(site, browse):
    (site.settings.index_path / "CURRENT").unlink()
    answer = browse("").get("/health")
    assert (answer.status_code, answer.json["checks"]["index"]) == (503, "red")
    assert str(site.settings.data_dir) not in answer.text
    assert "kb index rebuild" in browse("manager").get("/admin").text


def test_a_missing_store_is_503(site, browse):
    site.store.root.rename(site.store.root.with_name("gone"))
    assert browse("").get("/health").status_code == 503


def test_changes_that_wait_too_long_turn_it_yellow(site, browse, stopped_clock):
    with site.database.write() as session:
        samples.published(session, site.store, person_of(site, "tech"), person_of(site, "lead"))
        session.commit()
    assert browse("").get("/health").json["checks"]["outbox"] == "green"
    stopped_clock.advance(minutes=5)
    answer = browse("").get("/health")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
