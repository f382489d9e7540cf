"""Has every value of a closed set a Chinese name, and what do times and numbers look like?"""

from __future__ import annotations

import datetime as dt

import pytest

from indexer import FACETS, Sort
from indexer.projection import FACES
from kb import lifecycle
from kb.documents import Attributes, Audience, Confidence, Kind
from kb.handovers import LINES
from kb.incidents import CHANNELS
from kb.priorities import LEVELS
from kb.topology import MEDIA
from web import labels
from web.forms import FIELDS


@pytest.mark.parametrize(
    ("values", "of"),
    [(Kind, "kind"), (Audience, "audience"), (Confidence, "confidence"), (lifecycle.EntryState, "entry_state"),
     (lifecycle.RevisionState, "revision_state"), (lifecycle.IncidentState, "incident_state"), (lifecycle.Role, "role"),
     (lifecycle.Part, "part"), (lifecycle.Decision, "decision"), (lifecycle.Origin, "origin"), (lifecycle.Outcome, "outcome"),
     (lifecycle.VerificationMethod, "method"), (lifecycle.CancelReason, "cancel_reason"), (lifecycle.ContactMethod, "contact_method"),
     (lifecycle.HandoverReason, "handover_reason"), (LINES, "line"), (LEVELS, "impact"), (LEVELS, "urgency"), (lifecycle.Unmet, "unmet"),
     (CHANNELS, "channel"), (MEDIA, "medium"), (FACETS, "facet"), (("exact", "words", "bigrams", "pinyin"), "tier"),
     (("exact", "words", "bigrams", "pinyin"), "tier_means"), (Sort, "sort"), (FACES, "face"), (("state", "validity", "audience", "group", "role"), "access_rule")],
)  # fmt: skip
def test_every_value_has_a_name(values, of):
    assert set(map(str, values)) == set(labels.LABELS[of])


def test_every_field_of_the_entry_form_has_a_name():
    assert set(FIELDS) | set(Attributes.model_fields) <= set(labels.LABELS["field"])


def test_times_are_local_and_relative(stopped_clock):
    now = stopped_clock()
    assert labels.local_time(now) == "2026-11-23 10:00"
    shown = {0: "刚刚", 5: "5 分钟前", 90: "1 小时前", 60 * 30: "1 天前", 60 * 24 * 9: "2026-11-14"}
    for minutes, said in shown.items():
        assert said in labels.ago(now - dt.timedelta(minutes=minutes))
    assert labels.ago(None) == ""


@pytest.mark.parametrize(
    ("phone", "shown"), [("13812345678", "138****5678"), ("0558-1234567", "055****4567"), ("12345", "*****"), ("", "")]
)
def test_a_phone_number_is_recognised_by_its_owner_alone(phone, shown):
    assert labels.masked_phone(phone) == shown


@pytest.mark.parametrize(
    ("values", "of"),
    [(lifecycle.ProblemState, "problem_state"), (lifecycle.ProblemUnmet, "problem_unmet"),
     (lifecycle.ProblemCancelReason, "problem_cancel_reason"), (lifecycle.ChangeState, "change_state"),
     (lifecycle.ChangeKind, "change_kind"), (lifecycle.ChangeUnmet, "change_unmet"),
     (lifecycle.ChangeOutcome, "change_outcome"), (lifecycle.Caused, "caused")],
)  # fmt: skip
def test_every_value_of_problems_and_changes_has_a_name(values, of):
    assert set(map(str, values)) == set(labels.LABELS[of])
