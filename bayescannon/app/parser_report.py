"""Options of the verb report."""

import argparse
from pathlib import Path

from bayescannon.cannon.report_choices import ReportChoices


def add_report_files(parser: argparse.ArgumentParser) -> type[ReportChoices]:
    """Add the files of the verb; return the choices that it has."""
    parser.add_argument("run", type=Path, metavar="RUN_DIR", help="folder that `bayescannon run` wrote")
    said = "page to write; report.html in the folder of the run unless given"
    parser.add_argument("--out", type=Path, metavar="PAGE.html", help=said)
    return ReportChoices
