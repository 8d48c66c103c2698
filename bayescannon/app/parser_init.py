"""Options of the verb init that no other verb has."""

import argparse
from pathlib import Path

from bayescannon.cannon.choices import RECIPES, SAMPLE


def add_init_files(parser: argparse.ArgumentParser) -> None:
    """Add the files that a configuration is made for and where it is written."""
    parser.add_argument("--spectra", type=Path, required=True, metavar="SPECTRA", help="as for prepare")
    parser.add_argument("--labels", type=Path, required=True, metavar="TABLE", help="table of trusted labels")
    said = "configuration to write"
    parser.add_argument("--out", type=Path, default=Path("run.toml"), metavar="CONFIG.toml", help=said)
    said = "folder that the run writes to, relative to the configuration"
    parser.add_argument("--results", default="results", metavar="DIR", help=said)
    said = "labels to train; the paper's that the table has unless given"
    parser.add_argument("--label-names", metavar="NAME,...", help=said)
    said = "choices of the training that go together; the paper's unless given"
    parser.add_argument("--recipe", choices=tuple(RECIPES), help=said)
    parser.add_argument("--sample", type=int, default=SAMPLE, metavar="N", help="spectra to look at, 0 for all")
