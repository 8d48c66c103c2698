"""What sets spectra apart from those that a model was trained on."""

import pytest

from bayescannon.data.preset import release_mismatch


@pytest.mark.parametrize(
    ("trained", "labelled"),
    [
        ("LAMOST DR2", "LAMOST DR2"),
        ("LAMOST DR2, LAMOST DR3", "LAMOST DR3"),
        ("", "LAMOST DR3"),
        ("LAMOST DR2", ""),
        ("", ""),
    ],
)
def test_releases_that_the_model_knows_or_nobody_knows_are_no_mismatch(trained, labelled):
    assert release_mismatch(trained, labelled) == ""


def test_the_releases_that_the_model_does_not_know_are_named():
    said = release_mismatch("LAMOST DR2", "LAMOST DR10, LAMOST DR2, LAMOST DR7")
    assert said.startswith(
        "the spectra are of LAMOST DR10, LAMOST DR7, the model was trained on spectra of LAMOST DR2; "
    )
    assert "\n" not in said
