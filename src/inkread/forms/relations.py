"""The rules between the fields of a form, as validated from a template."""

from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag, field_validator

from inkread.forms.fields import StrictModel, validate_check

__all__ = ["CheckRule", "OrderRule", "Rule", "SumRule"]


class SumRule(StrictModel):
    """The values of some fields add up to that of another; empty fields count as 0."""

    sum: tuple[str, ...] = Field(min_length=1)
    equals: str

    @property
    def field_names(self) -> tuple[str, ...]:
        """The names of the fields that it involves."""
        return (*self.sum, self.equals)

    def __str__(self) -> str:
        """Return the rule as a formula."""
        return f"{' + '.join(self.sum)} = {self.equals}"


class OrderRule(StrictModel):
    """The values of some fields are in ascending order; equal ones are allowed."""

    order: tuple[str, ...] = Field(min_length=2)

    @property
    def field_names(self) -> tuple[str, ...]:
        """The names of the fields that it involves."""
        return self.order

    def __str__(self) -> str:
        """Return the rule as a formula."""
        return " <= ".join(self.order)


class CheckRule(StrictModel):
    """The digits of some fields, concatenated, pass a check."""

    check: str
    of: tuple[str, ...] = Field(min_length=1)

    @field_validator("check")
    @classmethod
    def _is_known_check(cls, check: str) -> str:
        return validate_check(check)

    @property
    def field_names(self) -> tuple[str, ...]:
        """The names of the fields that it involves."""
        return self.of

    def __str__(self) -> str:
        """Return the rule as a formula."""
        return f"{self.check}({', '.join(self.of)})"


def _find_rule_kind(value: Any) -> str:
    for kind in ("sum", "order", "check"):
        if (kind in value) if isinstance(value, dict) else hasattr(value, kind):
            return kind
    return ""


Rule = Annotated[
    Annotated[SumRule, Tag("sum")]
    | Annotated[OrderRule, Tag("order")]
    | Annotated[CheckRule, Tag("check")],
    Discriminator(
        _find_rule_kind,
        custom_error_type="rule",
        custom_error_message="expected a rule: sum with equals, order, or check with of",
    ),
]
