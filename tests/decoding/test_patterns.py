import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkread.decoding.constraints import Constraint
from inkread.decoding.patterns import parse
from inkread.errors import ConfigError

WRITTEN = "01.-"
STRINGS = ["".join(string) for n in range(4) for string in itertools.product(WRITTEN, repeat=n)]

ATOMS = st.sampled_from(
    [
        "0",
        "1",
        r"\.",
        "-",
        r"\-",
        ".",
        r"\d",
        "[01]",
        "[^0]",
        "[0-1.]",
        "[^.]",
        r"[^\d]",
        "[-1]",
        "[.-]",
    ]
)


def _grown(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    group = part.map("(?:{})".format) | part.map("({})".format)
    count = st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}", "{,2}"])
    return (
        st.builds("{}{}".format, part, part)
        | st.builds("{}|{}".format, part, part)
        | st.builds("{}{}".format, group, count)
        | st.builds("{}{}".format, ATOMS, count)
    )


@settings(max_examples=100, deadline=None)
@given(st.recursive(ATOMS, _grown, max_leaves=8))
def test_patterns_match_what_python_matches(source):
    automaton = parse(source).build_automaton(WRITTEN)
    expected = re.compile(source)
    for string in STRINGS:
        assert automaton.accepts(string) == bool(expected.fullmatch(string)), string


@pytest.mark.parametrize("source", [r"^\d+$", r"^(0|1)*", "", "^$", "()", "(|1)0"])
def test_anchors_and_empty_parts_match_as_in_python(source):
    automaton = parse(source).build_automaton(WRITTEN)
    for string in STRINGS:
        assert automaton.accepts(string) == bool(re.fullmatch(source, string)), string


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (r"\d{5}", ""),
        ("..[^0]", ""),
        (r"\d+\.\d\d", "."),
        ("[.,/]?1", ",./"),
        ("1-2", "-"),
        ("[1-3]", ""),
        ("[^.]", ""),
    ],
)
def test_a_pattern_lists_the_separators_that_it_names(source, names):
    pattern = parse(source)
    assert pattern.separators == names
    assert pattern.names_separators == bool(names)


def test_a_class_without_any_digit_asks_for_separators():
    assert parse(r"1[^\d]2").names_separators
    assert parse("1[^0-9]2").names_separators
    assert not parse("1[^0-8]2").names_separators


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a", "a digit or a separator at place 0"),
        ("12 3", "a digit or a separator at place 2"),
        (r"1\?", "a digit or a separator"),
        ("(12", "a ) at place 3, received '(12' with its end"),
        ("12)", "the end at place 2"),
        ("[12", "more of the pattern"),
        ("[2-1]", "from a lower to a higher"),
        ("[+-9]", "a range of digits"),
        ("*1", "a symbol, a class or a group"),
        ("1**", "one repetition"),
        ("1{3,2}", "the smaller number first"),
        ("1{}", "a number in {}"),
        ("1{2", "a , or }"),
        ("1{2,3", "a } after"),
        ("1{101}", "at most 100"),
        ("1+?", "lazy or possessive ?"),
        ("1*+", "lazy or possessive +"),
        (r"\w", r"with \w"),
        (r"(1)\1", r"with \1"),
        ("(?=1)1", "with (?="),
        ("(?P<n>1)", "with (?P"),
        ("1^2", "^ inside"),
        ("1$2", "$ inside"),
        ("1\\", "more of the pattern"),
        (".*1.{20}", "at most 2000 states"),
        ("((1{100}){100}){100}", "at most 2000 states"),
    ],
)
def test_an_invalid_pattern_is_refused(source, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse(source).build_automaton("0123456789.")


@pytest.mark.parametrize("source", [r"(\d{1,50}){1,50}", r"(\d{1,44}){1,44}", "((0|1){1,9}){1,99}"])
def test_a_pattern_that_takes_too_much_work_is_refused(source):
    with pytest.raises(ConfigError, match="takes less work"):
        Constraint(pattern=source)


@pytest.mark.parametrize("source", [60 * "(" + "1" + 60 * ")", 5000 * "(", 2000 * "1"])
def test_a_pattern_that_is_too_deep_or_too_long_is_refused(source):
    with pytest.raises(ConfigError, match="expected a pattern of digits"):
        parse(source)
