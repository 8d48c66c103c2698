"""
Print the ratios that the benchmarks are about, in less than a minute: make bench-smoke.

Everything runs on one thread, and a clock that finds more is an error. Ratios of one run hardly depend on the machine;
times do. The tables of docs/design/benchmarks.md are of the whole benchmarks.
"""

import time

from fair_clock import machine
from labelling import CURVE_FIT, LABELS, labelling_ratios
from rich.console import Console
from rich.table import Table
from training import training_ratios


def main() -> None:
    """Run and print the ratios."""
    began = time.perf_counter()
    console = Console(width=110)
    for title, unit, ratios in (
        ("labels and posteriors of a star", "products of matrices, float32", labelling_ratios()),
        ("training", "products of matrices, float64", training_ratios()),
    ):
        table = Table(title=f"{title}; one thread of {machine()}")
        table.add_column(title)
        table.add_column(unit, justify="right")
        for name, ratio in ratios.items():
            table.add_row(name, f"{ratio:.1f}")
        console.print(table)
        if CURVE_FIT in ratios:
            console.print(f"curve_fit takes {ratios[CURVE_FIT] / ratios[LABELS]:.0f} times as long", highlight=False)
    console.print(f"{time.perf_counter() - began:.0f} s", highlight=False)


if __name__ == "__main__":
    main()
