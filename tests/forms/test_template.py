import datetime

import pytest
from form_sample import SAMPLE

from inkread.forms import print_layout, yaml_lines
from inkread.forms.fields import Rect
from inkread.forms.template import TemplateError, load, parse

BASE = "form: x\nfields:\n"


def field(**values):
    given = {"name": "a", "kind": "comb", "cells": 4, "box": [20, 40, 60, 50]} | values
    return f"  - {given}\n".replace("'", '"').replace("None", "null").replace("False", "false")


def problem(text):
    with pytest.raises(TemplateError) as caught:
        parse(text, "t.yaml")
    return str(caught.value)


def test_the_sample_is_a_template():
    template = load(SAMPLE)
    assert template.page == (148, 210)
    assert [each.kind for each in template.fields] == [
        "comb", "date", "comb", "comb", "comb", "number", "amount", "tick",
    ]  # fmt: skip
    assert template.field_named("read_on").min == datetime.date(2020, 1, 1)
    assert template.rects["customer"] == Rect(20, 40, 76, 49)
    assert [str(rule) for rule in template.rules] == [
        "previous + used = current", "previous <= current",
    ]  # fmt: skip


def test_fractions_are_of_the_page():
    template = parse(
        "form: x\npage: [100, 200]\nunit: fraction\nalign: {picture: b.png}\nfields:\n"
        + field(box=[0.1, 0.1, 0.5, 0.15])
    )
    assert template.rects["a"] == pytest.approx((10, 20, 50, 30))


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "expected a YAML document"),
        ("form: [", 1, "expected YAML"),
        ("- 1\n", 1, "expected keys and values"),
        ("form: x\nform: y\n", 2, "the key 'form' is there twice"),
        ("form: &a x\ntitle: *a\n", 1, "alias"),
        ("form: x\ntitle: 2020-02-31\n", 1, "day is out of range"),
        ("form: x\npge: a4\nfields:\n" + field(), 2, "unknown key 'pge'"),
        ("form: x\npage: a9\nfields:\n" + field(), 2, "a4, a5, letter"),
        ("form: x\nfields: []\n", 2, "at least 1"),
        ("form: x\nfields: 3\n", 2, "fields"),
        ("form: x\nfolder: /\nfields:\n" + field(), 2, "unknown key"),
        (BASE + field(kind="text"), 3, "'text'"),
        (BASE + field(colour="red"), 3, "field a (colour): unknown key 'colour'"),
        (BASE + field(cells=0), 3, "field a (cells): expected greater than or equal to 1"),
        (BASE + field(cells=61), 3, "less than or equal to 60, received 61"),
        (BASE + field(cells=20, box=[20, 40, 55, 50]), 3, "cells of at least 2 x 2.5 mm"),
        (BASE + field(box=[20, 40, 60]), 3, "field a (box)"),
        (BASE + field(box=[60, 40, 20, 50]), 3, "left < right"),
        (BASE + field(box=[190, 40, 230, 50]), 3, "outside: expected a box on the page"),
        (BASE + field(box=[10, 10, 50, 20]), 3, "overlaps a marker"),
        (BASE + field() + field(name="b", box=[50, 45, 90, 55]), 4, "overlaps the box of 'a'"),
        (BASE + field() + field(box=[20, 60, 60, 70]), 4, "the name 'a' is there twice"),
        (BASE + field(name="Total"), 3, "field Total (name)"),
        (BASE + field(name="scan"), 3, "a column of the table"),
        (BASE + field(check="luhm"), 3, "luhn"),
        (
            BASE + field(check="ean13"),
            3,
            "impossible: expected constraints that some number satisfies",
        ),
        (BASE + field(pattern="[a-z]+"), 3, "pattern"),
        (BASE + field(pattern="1{9}"), 3, "impossible"),
        (BASE + field(pattern="(1"), 3, "pattern"),
        (BASE + field(pattern="1[.]?234"), 3, "separators"),
        (BASE + field(length=5), 3, "at most the 4 cells"),
        (BASE + field(length=[3, 2]), 3, "least first"),
        (BASE + field(min=5, max=4), 3, "impossible range: min = 5 is above max = 4"),
        (BASE + field(min=10000), 3, "impossible range"),
        (BASE + field(kind="date", cells=None), 3, "cells"),
        ("form: x\nrules:\n  - {sum: [a]}\nfields:\n" + field(), 3, "missing key 'equals'"),
        ("form: x\nrules:\n  - {add: [a]}\nfields:\n" + field(), 3, "expected a rule"),
        ("form: x\nrules:\n  - {sum: [b], equals: a}\nfields:\n" + field(), 3, "received b"),
        ("form: x\nrules:\n  - {sum: [a], equals: a}\nfields:\n" + field(), 3, "once"),
        ("form: x\nrules:\n  - {check: crc, of: [a]}\nfields:\n" + field(), 3, "luhn"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text, line, said):
    found = problem(text)
    assert found.startswith(f"t.yaml, line {line}")
    assert said in found


def test_every_problem_is_said():
    found = problem(BASE + field(cells=0) + field(name="b", size=3, box=[20, 60, 60, 70]))
    assert [line.split(":")[0] for line in found.splitlines()] == [
        "t.yaml, line 3, field a (cells)",
        "t.yaml, line 4, field b (size)",
    ]


def test_a_rule_is_about_values_that_can_be_compared():
    date = field(name="d", kind="date", cells=None, box=[20, 60, 100, 70])
    date = date.replace('"cells": null, ', "")
    text = "form: x\nrules:\n  - {order: [a, d]}\nfields:\n" + field() + date
    assert "can't be compared" in problem(text)
    text = "form: x\nrules:\n  - {sum: [d], equals: a}\nfields:\n" + field() + date
    assert "received a date" in problem(text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TemplateError, match=r"none\.yaml: expected a template"):
        load(tmp_path / "none.yaml")


def test_the_digest_is_of_what_is_seen():
    first = parse(BASE + field())
    assert first.digest == parse(BASE + field(label="Number", check="luhn")).digest
    others = [field(name="b"), field(cells=5), field(box=[20, 40, 60, 51])]
    assert len({first.digest, *(parse(BASE + other).digest for other in others)}) == 4


def test_lines_are_kept_for_every_path():
    document = yaml_lines.load("a:\n  - b: 1\n    c: 2\n  - 3\n")
    assert document.values == {"a": [{"b": 1, "c": 2}, 3]}
    assert [document.line(path) for path in (("a",), ("a", 0, "c"), ("a", 1))] == [1, 3, 4]
    assert document.line(("a", 0, "comb", "d")) == 2  # the nearest thing around it


def test_a_text_that_is_nested_deep_is_refused_at_once():
    assert yaml_lines.load("\n[" * 20 + "]" * 20).values
    with pytest.raises(yaml_lines.YamlLineError, match=r"line 22: .* nested too deep"):
        yaml_lines.load("\n[" * 300_000)


def test_cells_share_the_box():
    template = load(SAMPLE)
    cells = print_layout.place_cells(template.field_named("customer"), template.rects["customer"])
    assert len(cells) == 8
    assert cells[0] == pytest.approx((20, 40, 27, 49))
    assert cells[-1] == pytest.approx((69, 40, 76, 49))
    assert template.field_named("read_on").heavy_after == (2, 4)
    assert template.field_named("paid").heavy_after == (5,)


def test_a_template_with_many_faults_tells_of_some():
    boxes = "".join(field(name=f"f{number}") for number in range(400))
    assert len(problem(BASE + boxes).splitlines()) == 50
    names = "".join(field(name=f"F{number}") for number in range(400))
    assert len(problem(BASE + names).splitlines()) == 50


def test_the_patterns_of_a_template_have_one_budget_of_work():
    costly = "".join(field(name=f"f{i}", pattern=f"([0-9]{{1,40}}|{i}){{1,3}}") for i in range(100))
    said = problem(BASE + costly)
    assert "takes less work, alone or with others" in said
    assert len(said.splitlines()) <= 50


@pytest.mark.parametrize(
    "value",
    ["!!bool foo", "!!int x", "!!timestamp x", "!!binary '-'", "!!set {a}", "!!python/none ''"],
)
def test_tags_are_refused(value):
    assert "line 1" in problem(f"form: {value}\n")
    assert "line 3" in problem(BASE + f"  - {{name: {value}}}\n")
