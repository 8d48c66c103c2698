"""Citations of Ho et al. (2017) name equations and sections that say what is cited."""

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "bayescannon"
# the paper's sections: spectra, reference set and training, test step; 1 has the labels' names
SECTIONS = {"1", "2.1", "3", "4"}
LAST_EQUATION = 7
# 1-2 continuum, 3 flux and noise, 4 linear model, 5 likelihood, 6 label vector, 7 label distance
EQUATIONS = {
    "data/continuum.py": {"1-2", "1"},
    "data/label_distance.py": {"7"},
    "models/label_vector.py": {"6"},
    "models/spectral.py": {"3-6", "3", "5"},
    "pixels/fit.py": {"3-6", "5"},
    "pixels/compressed.py": {"5"},
    "cannon/trained_model.py": {"4"},
}
_EQUATION = re.compile(r"\beqs?\. (\d(?:-\d)?)")
_SECTION = re.compile(r"Ho et\s+al\. \(?2017\)?,\s+section (\d(?:\.\d)?)")


@pytest.mark.parametrize("path", sorted(EQUATIONS))
def test_equations(path):
    assert set(_EQUATION.findall((PACKAGE / path).read_text(encoding="utf-8"))) == EQUATIONS[path]


def test_sections():
    cited = {
        section: path.name
        for path in PACKAGE.rglob("*.py")
        for section in _SECTION.findall(path.read_text(encoding="utf-8"))
    }
    assert set(cited) <= SECTIONS, cited
    found = {number for path in PACKAGE.rglob("*.py") for number in _EQUATION.findall(path.read_text(encoding="utf-8"))}
    assert max(int(number[-1]) for number in found) <= LAST_EQUATION
