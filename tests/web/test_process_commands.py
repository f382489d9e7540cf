"""What do the commands say of problems and changes?"""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from tests.kb import process_samples, samples
from tests.web.conftest import person_of
from web.cli import main


@pytest.fixture
def run(site, monkeypatch):
    with site.database.write() as session:
        tech = person_of(site, "tech")
        incident = samples.incident(session, tech)
        problem = process_samples.problem(session, tech, incident.number)
        process_samples.change(session, tech, problem_numbers=[problem.number])
        session.commit()
    monkeypatch.setenv("KB_DATA_DIR", str(site.settings.data_dir))
    return lambda *words: CliRunner().invoke(main, list(words))


def test_lists(run):
    problem, change = run("problem", "list"), run("change", "list")
    assert "PRB-000001\t新建\t1\t朱集片区" in problem.output and "CHA-000001\t草稿\t-\t更换" in change.output
    assert json.loads(run("problem", "list", "--done", "--json").stdout) == []
    assert json.loads(run("problem", "list", "--known", "--json").stdout) == []
    assert json.loads(run("change", "list", "--json").stdout)[0]["problems"] == ["PRB-000001"]


def test_one_and_what_its_gate_lacks(run):
    problem, change = run("problem", "show", "PRB-000001"), run("change", "show", "cha-000001")
    assert "还缺 unmet: 尚未写明根本原因" in problem.output and "INC-000001" in problem.output
    assert "技术方案: CHG-000003 v1 草稿" in change.output and "还缺 unmet: 尚未指定实施人" in change.output
    assert json.loads(run("problem", "show", "PRB-000001", "--json").stdout)["changes"] == ["CHA-000001"]
    assert json.loads(run("change", "show", "CHA-000001", "--json").stdout)["state"] == "draft"


def test_what_is_not_there_is_said_in_a_sentence(run):
    for words in (("problem", "show", "PRB-9"), ("change", "show", "CHA-9")):
        answer = run(*words)
        assert answer.exit_code == 1 and "没有" in answer.output and "Traceback" not in answer.output
