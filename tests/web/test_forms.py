"""Attributes to form fields and back."""

from __future__ import annotations

import pytest

from kb.errors import Invalid
from tests.conftest import Clock
from tests.kb import samples
from web import forms

FULL = samples.attributes(
    error_codes=[{"code": "E04", "vendor": "永新视博", "meaning": "智能卡未配对"}],
    figures=[{"name": "电平", "value": "60~80", "unit": "dBμV", "confidence": "unverified"}],
    related=["SOL-TV-001"],
    districts=["城东片区", "朱集东片区"],
    environment={"service": "数字电视", "network": "HFC", "vendor": "某厂"},
)


@pytest.mark.parametrize(
    "attributes", [FULL, samples.attributes(environment=None, valid_until=None, devices=[], covers=[])]
)
def test_there_and_back(attributes):
    values = forms.values_of(attributes, samples.BODY)
    assert tuple(values) == forms.FIELDS or set(values) == set(forms.FIELDS)
    assert forms.read_attributes(values) == attributes


def test_lists_are_read_as_people_write_them():
    values = forms.values_of(FULL, "") | {"devices": "机顶盒,遥控器，光猫;机顶盒", "related": "sol-tv-001、 pol-m-001"}
    read = forms.read_attributes(values)
    assert read.devices == ["机顶盒", "遥控器", "光猫"]
    assert read.related == ["SOL-TV-001", "POL-M-001"]


def test_columns_and_confidence_in_chinese():
    read = forms.read_attributes(
        forms.values_of(FULL, "") | {"figures": "电平｜60｜dBμV｜已核实\n温度 | 40", "error_codes": "E04｜永新"}
    )
    assert [(f.name, f.unit, f.confidence.value) for f in read.figures] == [
        ("电平", "dBμV", "verified"),
        ("温度", "", "unverified"),
    ]
    assert read.error_codes[0].meaning == ""


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("service", ""),
        ("valid_until", "2026-13-01"),
        ("figures", "a | b | c | maybe"),
        ("error_codes", "a | b | c | d"),
        ("kind", "poem"),
    ],
)
def test_every_wrong_field_is_named_as_the_form_names_it(field, value):
    with pytest.raises(Invalid) as refused:
        forms.read_attributes(forms.values_of(FULL, "") | {field: value})
    assert field in refused.value.fields


def test_line_ends():
    assert forms.clean("a\r\nb\rc\n") == "a\nb\nc\n"


def test_a_blank_form_is_valid_for_a_year(stopped_clock: Clock) -> None:
    assert forms.blank()["valid_until"] == "2027-11-23"
