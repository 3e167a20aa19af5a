"""The rules between fields, used to choose among what each of them may say."""

import datetime
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from inkread.decoding.constraints import Constraint
from inkread.forms.candidates import Candidate, combinations
from inkread.forms.fields import CheckRule, FormField, OrderRule, Rule, SumRule
from inkread.forms.template import Template
from inkread.forms.values import Value, as_text, objection, value_of

__all__ = ["Choice", "choose", "holds"]

# How much less probable a text is for breaking a constraint or a rule: people seldom write what
# does (taken as one in a hundred), and what does is spread over many more texts than what doesn't.
_ODDS_CONSTRAINT = 1e-3
_ODDS = {SumRule: 1e-5, OrderRule: 1e-2, CheckRule: 1e-3}
_MAX_COMBINATIONS = 5000
_NEGLIGIBLE = 1e-7  # of the best found
_UNLISTED_SHARE = 0.1  # of the texts that aren't listed, so many are taken to pass a check or rule


@dataclass(frozen=True)
class Choice:
    """What a field was decided to say.

    Attributes:
        text: its digits; empty if nothing can be read.
        value: what they mean; ``None`` if nothing can be read, or there is no such date.
        confidence: probability that it is right, in [0, 1], given the constraints and rules.
        objection: the constraint or rule that it breaks nevertheless; ``None`` if none.
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
    """Choose what each field says: the texts that together are the most probable.

    Args:
        template: the form, with its constraints and rules.
        candidates: what each field may say, the most probable first; fields that aren't there are
            empty, and those without a candidate can't be read.
    """
    options = {
        name: _options(template.named(name), found) for name, found in candidates.items() if found
    }
    unread = {name for name, found in candidates.items() if not found}
    chosen = {name: Choice("", None, 0.0) for name in unread}
    rules = [rule for rule in template.rules if not unread & set(rule.over)]
    for names, own in _groups(list(options), rules):
        listed = [sum(each.probability for each in candidates[name]) for name in names]
        chosen |= _together(template, {name: options[name] for name in names}, own, listed)
    return chosen


def holds(rule: Rule, template: Template, values: Mapping[str, Value]) -> bool:
    """Say whether a rule holds; where a field it needs is empty, it does.

    Args:
        rule: one of the template's.
        template: the form.
        values: of the fields; those that aren't there are empty.
    """
    if isinstance(rule, SumRule):
        total = _number(values.get(rule.equals))
        parts = [_number(values.get(name)) for name in rule.sum]
        if total is None or all(part is None for part in parts):
            return True
        return sum((part or Decimal(0) for part in parts), Decimal(0)) == total
    if isinstance(rule, OrderRule):
        written = [value for name in rule.order if (value := values.get(name)) is not None]
        return all(_rank(one) <= _rank(other) for one, other in itertools.pairwise(written))
    texts = [values.get(name) for name in rule.of]
    if None in texts:
        return True
    return Constraint(check=rule.check).accepts("".join(map(as_text, texts)))


def _number(value: Value) -> Decimal | None:
    return None if value is None else Decimal(as_text(value))


def _rank(value: Value) -> Decimal:
    """Return what orders values of one kind: a number itself, a date by its day."""
    return Decimal(value.toordinal() if isinstance(value, datetime.date) else as_text(value))


def _options(field: FormField, candidates: Sequence[Candidate]) -> list[_Option]:
    """Weigh a field's candidates by its own constraints; the best come first."""
    options = []
    for candidate in candidates:
        broken = objection(field, candidate.text)
        try:
            value = value_of(field, candidate.text)
        except ValueError:
            value = None
        weight = candidate.probability * (_ODDS_CONSTRAINT if broken else 1.0)
        options.append(_Option(candidate.text, value, weight, broken))
    return sorted(options, key=lambda option: -option.weight)


def _groups(names: list[str], rules: Sequence[Rule]) -> Iterator[tuple[list[str], list[Rule]]]:
    """Part the fields into those that rules tie together, directly or through others."""
    group_of = {name: {name} for name in names}
    for rule in rules:
        tied = set().union(*(group_of.get(name, set()) for name in rule.over))
        for name in tied:
            group_of[name] = tied
    for name in names:
        group = group_of[name]
        if name == next(each for each in names if each in group):
            own = [rule for rule in rules if group & set(rule.over)]
            yield [each for each in names if each in group], own


def _together(
    template: Template,
    options: Mapping[str, list[_Option]],
    rules: Sequence[Rule],
    listed: Sequence[float],
) -> dict[str, Choice]:
    """Choose for fields that rules tie together.

    Args:
        template: the form.
        options: of each field, the best first.
        rules: between them.
        listed: the probability that all options of a field have together, before the constraints.
    """
    names = list(options)
    best_weight, best = -1.0, (0,) * len(names)
    mass, own_mass = 0.0, [dict[str, float]() for _ in names]
    weights = [[option.weight for option in options[name]] for name in names]
    for count, (product, indices) in enumerate(combinations(weights)):
        if count >= _MAX_COMBINATIONS or product < _NEGLIGIBLE * best_weight:
            break
        picked = [options[name][index] for name, index in zip(names, indices, strict=True)]
        values = {name: option.value for name, option in zip(names, picked, strict=True)}
        weight = product
        for rule in rules:
            if not holds(rule, template, values):
                weight *= _ODDS[type(rule)]
        mass += weight
        for own, option in zip(own_mass, picked, strict=True):
            own[option.text] = own.get(option.text, 0.0) + weight
        if weight > best_weight:
            best_weight, best = weight, indices
    picked = [options[name][index] for name, index in zip(names, best, strict=True)]
    values = {name: option.value for name, option in zip(names, picked, strict=True)}
    broken = [rule for rule in rules if not holds(rule, template, values)]
    is_checked = bool(rules) or any(_is_checked(template.named(name)) for name in names)
    all_listed = 1.0
    for share in listed:
        all_listed *= min(1.0, share)
    mass += (1 - all_listed) * (_UNLISTED_SHARE if is_checked else 1.0)
    return {
        name: Choice(
            option.text,
            option.value,
            own[option.text] / mass if mass > 0 else 0.0,
            option.objection or _named(name, broken),
        )
        for name, option, own in zip(names, picked, own_mass, strict=True)
    }


def _is_checked(field: FormField) -> bool:
    return getattr(field, "check", None) is not None


def _named(name: str, broken: Sequence[Rule]) -> str | None:
    return next((f"expected {rule}" for rule in broken if name in rule.over), None)
