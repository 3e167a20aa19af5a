"""The sample form that ships, and what tests write on it."""

from pathlib import Path

import yaml

import inkread
from inkread.training.synthesis import filled_forms

__all__ = ["SAMPLE", "TEXTS", "values_of"]

SAMPLE = Path(inkread.__file__).parent / "forms" / "samples" / "meter-reading.yaml"
TEXTS = {
    "customer": "56148836", "read_on": "03102021", "previous": "85", "current": "92", "used": "7",
    "phone": "4071335", "paid": "167113", "leak": filled_forms.TICKED,
}  # fmt: skip


def values_of(path=SAMPLE):
    """The values of a template's YAML."""
    return yaml.safe_load(path.read_text())
