"""The sample of a whole sheet: a photographed table of marks, and what is written in it."""

from importlib import resources
from pathlib import Path

__all__ = ["MARKS", "SHEET"]

SHEET = Path(str(resources.files("inkread") / "samples" / "marks-on-a-desk.jpg"))
MARKS = [
    ["17", "08", "24", "49"],
    ["20", "15", "", "35"],
    ["9", "12", "30", "51"],
    ["13", "06", "27", "46"],
    ["18", "", "21", "39"],
    ["11", "19", "26", "56"],
    ["16", "14", "25", "55"],
]
