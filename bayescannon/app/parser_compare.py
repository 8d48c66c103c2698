"""Options of the verb compare."""

import argparse
from pathlib import Path

from bayescannon.cannon.compare_choices import CompareChoices


def add_compare_files(parser: argparse.ArgumentParser) -> type[CompareChoices]:
    """Add the files of the verb; return the choices that it has."""
    said = "catalogue of this package (file or folder of parts), or any table of labels, whose labels are compared"
    parser.add_argument("a", type=Path, metavar="A", help=said)
    parser.add_argument("b", type=Path, metavar="B", help="the same, that A is compared with: A - B")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for JSON, tables and figures")
    return CompareChoices
