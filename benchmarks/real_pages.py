"""Read whole real pages, and count the numbers that are found and right.

`page_scores.py` says what FOLDER holds and how a page counts. Print is set apart from handwriting,
but for pictures of the source `sudoku`, whose printed givens count.

python benchmarks/real_pages.py FOLDER
"""

import argparse
import time
from collections import defaultdict
from pathlib import Path

from page_scores import Reported, Score, load_labels, print_scores, score_page
from provenance import print_provenance

from inkread import Reader


def main() -> None:
    """Read every page and report by source."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    print_provenance()
    reader = Reader()
    totals: dict[str, Score] = defaultdict(Score)
    for file, rows in load_labels(arguments.folder).items():
        start = time.perf_counter()
        found = reader.read(arguments.folder / file).numbers
        source = rows[0]["source"]
        totals[source].seconds.append(time.perf_counter() - start)
        is_mixed = source == "sudoku"
        numbers = [
            Reported(each.text, tuple(each.box), each.confidence)
            for each in found
            if is_mixed or not each.printed
        ]
        score_page(numbers, rows, totals[source])
    print_scores(totals)


if __name__ == "__main__":
    main()
