"""With a model pages, API and health tell its part; with one that cannot be used they tell that, and search goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.analysis import Analyzer
from indexer.worker import Worker
from tests.web.conftest import SOLUTION, open_at
from web.services import Services


def test_without_the_setting_the_library_is_not_even_imported(tmp_path):
    code = (
        "import sys; from kb.settings import Settings; from web.services import open_services; "
        "here = open_services(Settings()); sys.exit(bool(here.generations.dense) or 'onnxruntime' in sys.modules)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "KB_DENSE_MODEL"}
    subprocess.run([sys.executable, "-c", code], env=environment | {"KB_DATA_DIR": str(tmp_path)}, check=True)


@pytest.fixture
def site(data_dir: Path, analyzer: Analyzer, tmp_path: Path) -> Iterator[Services]:
    opened = open_at(data_dir, analyzer, dense_model=tmp_path / "model")
    yield opened
    opened.close()


@pytest.fixture
def model(tmp_path: Path) -> None:
    encoder = pytest.importorskip("tests.indexer.encoder", reason="onnx is not installed")
    encoder.write(tmp_path / "model", {"信": (1, 0), "号": (0, 1), "黑": (1, 1)})


def test_a_model_that_cannot_be_used_turns_health_yellow_and_search_goes_on(browse):
    tech = browse("tech")
    assert tech.get("/api/v1/search?q=机顶盒").json["total"] > 1
    assert tech.get("/search?q=机顶盒").status_code == 200
    health = tech.get("/health")
    assert health.status_code == 200 and health.json["checks"]["dense"] == "yellow"
    page = browse("admin").get("/admin").text
    assert "语义重排" in page and "KB_DENSE_MODEL 不能用，检索照常" in page and " · " in page
    told = tech.get(f"/api/v1/search/explain?q=机顶盒无信号&id={SOLUTION}").json
    assert told["meaning"] is None


def test_the_part_of_a_model_is_told(site, browse, model):
    tech = browse("tech")
    worker = Worker(site.database, site.store, site.generations)
    while worker.fill():
        pass
    assert tech.get("/health").json["checks"]["dense"] == "green"
    before = tech.get("/api/v1/search?q=机顶盒信号").json
    told = tech.get(f"/api/v1/search/explain?q=机顶盒信号&id={SOLUTION}").json["meaning"]
    assert 0 < told["cosine"] <= 1 and told["rank"] >= 1
    assert told["fused"] == pytest.approx(1 / (60 + told["by_words"]) + 1 / (60 + told["by_meaning"]))
    assert [hit["id"] for hit in before["hits"]].index(SOLUTION) + 1 == told["rank"]
    page = tech.get(f"/entries/{SOLUTION}/why?q=机顶盒信号").text
    assert f"按义第 {told['by_meaning']}" in page
