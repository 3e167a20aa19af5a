"""Chooses among the candidates of fields by their constraints and the rules between them."""

import datetime
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from inkread.decoding.constraints import Constraint
from inkread.forms.candidates import Candidate, rank_combinations
from inkread.forms.fields import FormField
from inkread.forms.relations import CheckRule, OrderRule, Rule, SumRule
from inkread.forms.template import Template
from inkread.forms.values import Value, find_objection, format_value, interpret_digits

__all__ = ["Choice", "choose", "holds"]

# Factors on the probability of texts that break a constraint or a rule: people seldom write such a
# text (we assume one in a hundred), and there are many more of them than of those that comply.
_CONSTRAINT_PENALTY = 1e-3
_RULE_PENALTIES = {SumRule: 1e-5, OrderRule: 1e-2, CheckRule: 1e-3}
_MAX_COMBINATIONS, _MAX_COMBINED_VALUES = 5000, 100_000  # that are tried for fields tied by rules
_MIN_RELATIVE_WEIGHT = 1e-7  # of a combination to the best one; the search ends below it
_UNLISTED_PASS_RATE = 0.1  # assumed share of the texts outside the candidates that pass the rules


@dataclass(frozen=True)
class Choice:
    """The text chosen for a field.

    Attributes:
        text: digits; empty if the field can't be read.
        value: their meaning; ``None`` if the field can't be read, or there is no such date.
        confidence: posterior probability of the text given constraints and rules, in [0, 1].
        objection: the constraint or rule that the text breaks nevertheless; ``None`` if none.
    """

    text: str
    value: Value
    confidence: float
    objection: str | None = None


@dataclass(frozen=True)
class _Option:
    text: str
    value: Value
    weight: float
    objection: str | None


def choose(template: Template, candidates: Mapping[str, Sequence[Candidate]]) -> dict[str, Choice]:
    """Choose a text for each field: those that are jointly the most probable.

    Args:
        template: the form, with its constraints and rules.
        candidates: the candidates of each field, the most probable first; an empty field isn't
            among the keys, and a field that can't be read has no candidates.

    Returns:
        The choice for each field among the keys of ``candidates``.
    """
    options = {
        name: _weigh_candidates(template.field_named(name), found)
        for name, found in candidates.items()
        if found
    }
    unreadable = {name for name, found in candidates.items() if not found}
    chosen = {name: Choice("", None, 0.0) for name in unreadable}
    rules = [rule for rule in template.rules if not unreadable & set(rule.field_names)]
    for names, own in _group_by_rules(list(options), rules):
        total_probabilities = [sum(each.probability for each in candidates[name]) for name in names]
        chosen |= _choose_jointly(
            template, {name: options[name] for name in names}, own, total_probabilities
        )
    return chosen


def holds(rule: Rule, template: Template, values: Mapping[str, Value]) -> bool:
    """Return whether a rule holds; it does where a field that it needs is empty.

    Args:
        rule: a rule of the template.
        template: the form.
        values: the values by the field's name; fields that aren't among them are empty.
    """
    if isinstance(rule, SumRule):
        total = _to_number(values.get(rule.equals))
        parts = [_to_number(values.get(name)) for name in rule.sum]
        if total is None or all(part is None for part in parts):
            return True
        return sum((part or Decimal(0) for part in parts), Decimal(0)) == total
    if isinstance(rule, OrderRule):
        written = [value for name in rule.order if (value := values.get(name)) is not None]
        return all(_sort_key(one) <= _sort_key(other) for one, other in itertools.pairwise(written))
    texts = [values.get(name) for name in rule.of]
    if None in texts:
        return True
    return Constraint(check=rule.check).accepts("".join(map(format_value, texts)))


def _to_number(value: Value) -> Decimal | None:
    return None if value is None else Decimal(format_value(value))


def _sort_key(value: Value) -> Decimal:
    """Return a number that sorts values of one kind: numbers, or dates."""
    if isinstance(value, datetime.time):
        return Decimal(value.strftime("%H%M%S"))
    return Decimal(value.toordinal() if isinstance(value, datetime.date) else format_value(value))


def _weigh_candidates(field: FormField, candidates: Sequence[Candidate]) -> list[_Option]:
    """Weigh a field's candidates by its own constraints; return them in descending order."""
    options = []
    for candidate in candidates:
        broken = find_objection(field, candidate.text)
        try:
            value = interpret_digits(field, candidate.text)
        except ValueError:
            value = None
        weight = candidate.probability * (_CONSTRAINT_PENALTY if broken else 1.0)
        options.append(_Option(candidate.text, value, weight, broken))
    return sorted(options, key=lambda option: -option.weight)


def _group_by_rules(
    names: list[str], rules: Sequence[Rule]
) -> Iterator[tuple[list[str], list[Rule]]]:
    """Partition the fields into groups that rules connect, directly or through other fields."""
    group_of = {name: {name} for name in names}
    for rule in rules:
        tied = set().union(*(group_of.get(name, set()) for name in rule.field_names))
        for name in tied:
            group_of[name] = tied
    for name in names:
        group = group_of[name]
        if name == next(each for each in names if each in group):
            own = [rule for rule in rules if group & set(rule.field_names)]
            yield [each for each in names if each in group], own


def _choose_jointly(
    template: Template,
    options: Mapping[str, list[_Option]],
    rules: Sequence[Rule],
    total_probabilities: Sequence[float],
) -> dict[str, Choice]:
    """Choose texts for fields that rules connect.

    Args:
        template: the form.
        options: the weighed candidates of each field, the best first.
        rules: the rules between these fields.
        total_probabilities: for each field, the sum of its candidates' probabilities.
    """
    names = list(options)
    best_weight, best = -1.0, (0,) * len(names)
    mass, own_mass = 0.0, [dict[str, float]() for _ in names]
    weights = [[option.weight for option in options[name]] for name in names]
    most = max(1, min(_MAX_COMBINATIONS, _MAX_COMBINED_VALUES // len(names)))
    for product, indices in rank_combinations(weights, most):
        if product < _MIN_RELATIVE_WEIGHT * best_weight:
            break
        picked = [options[name][index] for name, index in zip(names, indices, strict=True)]
        values = {name: option.value for name, option in zip(names, picked, strict=True)}
        weight = product
        for rule in rules:
            if not holds(rule, template, values):
                weight *= _RULE_PENALTIES[type(rule)]
        mass += weight
        for own, option in zip(own_mass, picked, strict=True):
            own[option.text] = own.get(option.text, 0.0) + weight
        if weight > best_weight:
            best_weight, best = weight, indices
    picked = [options[name][index] for name, index in zip(names, best, strict=True)]
    values = {name: option.value for name, option in zip(names, picked, strict=True)}
    broken = [rule for rule in rules if not holds(rule, template, values)]
    is_checked = bool(rules) or any(_is_checked(template.field_named(name)) for name in names)
    listed_probability = 1.0
    for share in total_probabilities:
        listed_probability *= min(1.0, share)
    mass += (1 - listed_probability) * (_UNLISTED_PASS_RATE if is_checked else 1.0)
    return {
        name: Choice(
            option.text,
            option.value,
            own[option.text] / mass if mass > 0 else 0.0,
            option.objection or _describe_broken(name, broken),
        )
        for name, option, own in zip(names, picked, own_mass, strict=True)
    }


def _is_checked(field: FormField) -> bool:
    return getattr(field, "check", None) is not None


def _describe_broken(name: str, broken: Sequence[Rule]) -> str | None:
    return next((f"expected {rule}" for rule in broken if name in rule.field_names), None)
