"""
Tell giants, dwarfs and hot stars apart, and label them: real stars in outer folds, and a mock field with truth.

Usage: python run.py --real DATA [--folds 5] [--inner 5] [--seed 1] [--out DIR]
       python run.py --mock [--stars 1200] [--test 3000] [--seed 61] [--out DIR]
       python run.py --figures [--seed 1] [--out DIR]
DATA holds lamost/ and lamost_field/ with labels of LASP. In every outer fold the survey model is trained on the others,
and its limit on membership comes from inner folds of these: nothing is chosen on the outer fold. --figures draws the
real stars' label distances and Kiel diagram (figures 9 and 10 of Ho et al. 2017) with membership as colour.
"""

import argparse
import json
from pathlib import Path

import mock_field
import numpy as np
import real_stars

from bayescannon.data.label_distance import PAPER_CUT, label_distance
from bayescannon.figures import save_figure
from bayescannon.figures.membership import plot_kiel_membership
from bayescannon.figures.style import DIVERGING_MAP, new_figure


def draw(out: Path, seed: int) -> Path:
    """Draw figures 9 and 10 of the paper with membership as colour, of the outer folds that were run."""
    parts = [dict(np.load(path)) for path in sorted(out.glob(f"real_{seed}_?.npz"))]
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    reported, p_giant = rows["reported"], rows["membership"][:, 0]
    giants = reported[real_stars.kinds_of(reported)["giant"]]
    names = real_stars.NAMES
    # of giants, the nearest reference star is the star itself: it was not in its model's set
    from_reference = np.array(
        [label_distance(one[None], giants[(giants != one).any(axis=1)], names)[0] for one in reported]
    )
    moved = np.array(
        [
            label_distance(one[None], own[None], names, neighbours=1)[0]
            for one, own in zip(rows["labels"], reported, strict=True)
        ]
    )
    figure = new_figure(10, 4.4)
    left, right = figure.subplots(1, 2)
    points = left.scatter(
        from_reference, np.maximum(moved, 0.01), c=p_giant, s=14, cmap=DIVERGING_MAP.reversed(), vmin=0, vmax=1
    )
    left.axvline(PAPER_CUT, color="black", linewidth=1, linestyle="--", label=f"cut {PAPER_CUT:g}")
    left.set(xscale="log", yscale="log", xlabel="label distance, own labels to the giants' reference set",
             ylabel="label distance, inferred to own labels")  # fmt: skip
    left.legend(fontsize="small")
    figure.colorbar(points, ax=left, label="probability of a giant")
    plot_kiel_membership(reported[:, 0], reported[:, 1], p_giant, right, population="giant")
    path = out / "distance_and_membership.png"
    save_figure(figure, path)
    return path


def main() -> None:
    """Run what the options ask for, and print the summaries."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", type=Path, metavar="DATA")
    parser.add_argument("--mock", action="store_true")
    parser.add_argument("--figures", action="store_true")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--inner", type=int, default=5)
    parser.add_argument("--stars", type=int, default=1200)
    parser.add_argument("--test", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("results"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.real:
        found = real_stars.run(options.real, options.out, folds=options.folds, inner=options.inner, seed=options.seed)
        print(json.dumps(found, indent=1))
    if options.mock:
        found = mock_field.run(options.out, n_reference=options.stars, n_test=options.test, seed=options.seed)
        print(json.dumps(found, indent=1))
    if options.figures:
        print(draw(options.out, options.seed))


if __name__ == "__main__":
    main()
