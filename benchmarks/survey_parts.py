"""
The bookkeeping of a catalogue of many stars, without spectra: parts, their notes, what is done, and the join.

    python benchmarks/survey_parts.py --stars 10000000 --block 1024

Every part has the rows of `block` stars in few columns. Reported are the time and the memory of each step; labelling
itself, whose cost for a star does not depend on their number, is left out.
"""

import argparse
import resource
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from astropy.table import Column, Table

from bayescannon.app.label_parts import blocks_of
from bayescannon.app.label_run import FinishedParts
from bayescannon.app.run_facts import BAD, CONVERGED, STARS
from bayescannon.io.catalogue import read_catalogue, write_rows
from bayescannon.io.catalogue_columns import flag_columns
from bayescannon.io.catalogue_folder import replacing_folder, write_folder
from bayescannon.io.catalogue_part import ENDING, write_part
from bayescannon.io.work_folder import WorkFolder

ATTRIBUTES = {
    "version": "0", "model_hash": "0", "seed": 0, "n_starts": 7, "data_release": "none", "reference": "none",
    "errors": "formal",
}  # fmt: skip


def rows_of(start: int, stop: int) -> Table:
    """Return made-up rows of some stars."""
    rng = np.random.default_rng(start)
    count = stop - start
    columns = {
        "id": np.char.add("star-", np.arange(start, stop).astype(np.str_)),
        "teff": rng.normal(4800, 300, count).astype(np.float32),
        "e_formal_teff": rng.uniform(20, 90, count).astype(np.float32),
        "rchi2": rng.chisquare(50, count).astype(np.float32) / 50,
        "live_pixels": rng.integers(3000, 3626, count).astype(np.int32),
        "status": np.zeros(count, dtype=np.uint8),
    }
    made = [Column(values, name, description=name, meta={"ucd": "meta.note"}) for name, values in columns.items()]
    return Table([*made, *flag_columns(np.zeros(count, dtype=np.int32))])


def main() -> None:
    """Run the bookkeeping, and print what it takes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stars", type=int, default=10_000_000)
    parser.add_argument("--block", type=int, default=1024)
    parser.add_argument("--folder", type=Path, help="where to write; a temporary folder unless given")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    clock = _Clock()
    try:
        with WorkFolder(folder / "stars.parquet", {"verb": "benchmark", "stars": options.stars}) as work:
            blocks = list(blocks_of(options.stars, options.block))
            todo = [block for block in blocks if work.parts.done(block.key) is None]
            clock.say(f"plan of {len(blocks)} parts")
            for block in todo:
                count = block.stop - block.start
                note = {"counts": {STARS: count, CONVERGED: count, BAD: 0}, "poor": []}
                if block.start == 0:
                    note |= {"attributes": ATTRIBUTES, "variables": []}
                with work.parts.writing(block.key, ENDING, note) as path:
                    note |= write_part(rows_of(block.start, block.stop), path)
            clock.say("parts written, synced, with notes")
            notes = [work.parts.done(block.key) for block in blocks]
            clock.say("parts and notes read and found whole, as a rerun does")
            finished = FinishedParts(work.parts, [block.key for block in blocks], notes, [], [])
            facts = finished.facts()
            clock.say(f"facts: {facts[STARS]} stars, median {facts.median_chi2:.3f}")
            rows = finished.joined.rows(ATTRIBUTES)
            write_rows(rows, folder / "stars.parquet")
            clock.say("joined into parquet, with its digest")
            write_rows(rows, folder / "stars.fits")
            clock.say("joined into FITS, with its checksums")
            with replacing_folder(folder / "parts", overwrite=False) as place:
                write_folder(rows, place)
            clock.say("joined into a folder of parts")
            work.finish()
        sizes = {path.name: path.stat().st_size / 1e6 for path in folder.iterdir() if path.is_file()}
        print(", ".join(f"{name} {size:.0f} MB" for name, size in sorted(sizes.items())))
        if options.stars <= 1_000_000:
            assert len(read_catalogue(folder / "stars.fits")) == options.stars
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Clock:
    """Prints the time since it was asked last, and the largest memory so far."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.monotonic(), time.process_time()

    def say(self, what: str) -> None:
        wall, cpu = time.monotonic(), time.process_time()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{what}: {wall - self.wall:.1f} s ({cpu - self.cpu:.1f} s processor), peak {memory:.0f} MB", flush=True)
        self.wall, self.cpu = wall, cpu


if __name__ == "__main__":
    main()
