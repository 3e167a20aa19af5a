"""The data that models are trained on: who made them, and under which licence they came.

Every training writes its sources into the model file. ``NOTICE`` names those of the models that
ship; a source that is added here and used by such a model is added there too.
"""

from dataclasses import dataclass

from inkread.training.line_recipes import LineRecipe
from inkread.training.recipes import Recipe

__all__ = [
    "FONTS_OF_LETTERS",
    "FOREIGN_CHARACTERS",
    "MNIST",
    "REAL_PENS",
    "SCANS",
    "WEIGHTS_LICENCE",
    "DataSource",
    "line_sources_of",
    "sources_of",
]

WEIGHTS_LICENCE = "Apache-2.0"  # of weights that a recipe gives, unless whoever trains says else


@dataclass(frozen=True)
class DataSource:
    """A data set, or fonts.

    Attributes:
        title: what its makers call it.
        creators: who made it.
        licence: the short name of its licence.
    """

    title: str
    creators: str
    licence: str

    @property
    def attribution(self) -> str:
        """Name title, creators and licence in one line."""
        return f"{self.title} by {self.creators}, {self.licence}"


MNIST = DataSource("MNIST", "Yann LeCun, Corinna Cortes and Christopher Burges", "CC BY-SA 3.0")
REAL_PENS = (
    DataSource("UNIPEN train_r01_v07", "the International Unipen Foundation", "CC BY 4.0"),
    DataSource(
        "Pen-Based Recognition of Handwritten Digits", "E. Alpaydin and F. Alimoglu", "CC BY 4.0"
    ),
)
SCANS = DataSource("Swiss digits", "the contributors to kensanata/numbers", "CC0")
FOREIGN_CHARACTERS = DataSource(
    "Omniglot", "Brenden M. Lake, Ruslan Salakhutdinov and Joshua B. Tenenbaum", "MIT"
)
# Their letters, never digits, are printed as examples of what is no digit.
FONTS_OF_LETTERS = (
    DataSource("DejaVu fonts", "Bitstream, Inc. and the DejaVu authors", "Bitstream Vera licence"),
    DataSource("BaKoMa Computer Modern fonts", "Basil K. Malyshev", "BaKoMa Fonts Licence"),
    DataSource("STIX fonts", "the STI Pub Companies", "SIL OFL 1.1"),
)


def sources_of(recipe: Recipe) -> tuple[DataSource, ...]:
    """List the sources of the glyphs that a recipe trains on."""
    uses_letters = any(each.junk for each in recipe.networks)
    others = (*REAL_PENS, SCANS, FOREIGN_CHARACTERS) if recipe.needs_others else ()
    return (MNIST, *others, *FONTS_OF_LETTERS) if uses_letters else (MNIST, *others)


def line_sources_of(recipe: LineRecipe) -> tuple[DataSource, ...]:
    """List the sources of the numbers that a line recipe trains on."""
    return (MNIST, *REAL_PENS, SCANS, *FONTS_OF_LETTERS) if recipe.writers else (MNIST,)
