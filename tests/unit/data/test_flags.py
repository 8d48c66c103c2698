from pathlib import Path

from bayescannon.data.flags import FLAG_BAD, FLAG_WARN, ResultFlag, flag_table

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "flags.md"


def test_every_flag_has_one_bit_and_is_bad_or_a_warning():
    assert [int(flag) for flag in ResultFlag] == [1 << k for k in range(13)]
    assert not FLAG_BAD & FLAG_WARN
    assert sum(int(flag) for flag in ResultFlag) == FLAG_BAD | FLAG_WARN
    names = {
        "OUTSIDE_COVERAGE", "NOVEL_SPECTRUM", "MULTIMODAL", "HIGH_CHI2", "LOW_SNR", "FEW_PIXELS", "NOT_CONVERGED",
        "PRIOR_DOMINATED", "LITTLE_INFORMATION", "LARGE_NUISANCE", "MANY_OUTLIERS", "BETWEEN_POPULATIONS",
        "ODD_SPECTRUM",
    }  # fmt: skip
    assert {flag.name for flag in ResultFlag} == names


def test_the_documentation_has_the_table_of_flags():
    assert flag_table() in PAGE.read_text(encoding="utf-8")
