"""Write the licence and the attribution of the training data into the shipped model files.

python tools/label_models.py

Trainings of glyph and line models write both themselves, and what they wrote stays; this is for
models that were trained before they did, and for layout models. Nothing else in the files changes.
"""

import json

import onnx

from inkread.files import replace_atomically
from inkread.models.metadata import METADATA_KEY, ModelMetadata
from inkread.models.runtime import list_shipped_models
from inkread.training.data_sources import MNIST, REAL_PENS, WEIGHTS_LICENCE, sources_of
from inkread.training.recipes import recipe_from_dict


def add_licence(document: str) -> str:
    """Return a model's metadata with its licence and attribution."""
    metadata = ModelMetadata.from_json(document)
    if metadata.licence:
        return document  # its training wrote it
    is_glyph = metadata.kind == "glyph"
    sources = sources_of(recipe_from_dict(metadata.recipe)) if is_glyph else (MNIST,)
    if metadata.kind == "layout":
        sources = (MNIST, *REAL_PENS)
    attribution = [source.attribution for source in sources]
    values = json.loads(document) | {"licence": WEIGHTS_LICENCE, "attribution": attribution}
    return json.dumps(values, sort_keys=True)


def main() -> None:
    """Label every shipped model."""
    for kind in ("glyph", "line", "layout"):
        for path in list_shipped_models(kind).values():
            proto = onnx.load(path)
            entry = next(each for each in proto.metadata_props if each.key == METADATA_KEY)
            entry.value = add_licence(entry.value)
            with replace_atomically(path) as temporary:
                onnx.save(proto, temporary)
            print(f"{path.name}: {entry.value}")


if __name__ == "__main__":
    main()
