"""Tables on a terminal."""

from rich.console import Console

from bayescannon.app.terminal import print_statistics
from bayescannon.cannon.training import train
from bayescannon.cannon.validation import validate
from tests.helpers import toy


def test_statistics_of_no_star_are_a_sentence(capsys):
    reference = toy.toy_reference(60, ("teff",))
    validation = validate(train(reference), reference, folds=2, snr_min=1e6)
    print_statistics(Console(), validation.rows)
    said = capsys.readouterr().out
    assert "k-fold, snr > 1e+06: no star has such a signal-to-noise ratio, or none is known" in said
    assert "nan" not in said
