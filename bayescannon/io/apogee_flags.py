"""ASPCAPFLAG, the flags of APOGEE's pipeline labels, per data release; every bit is unique and has a name."""

from enum import KEEP, UNIQUE, IntFlag, verify


# KEEP: a bit without a name stays in the value, so that the value is not zero
@verify(UNIQUE)
class AspcapFlagDR12(IntFlag, boundary=KEEP):
    """ASPCAPFLAG of DR12: a warning at bit n, the same failure at bit n + 16."""

    TEFF_WARN = 1 << 0
    LOGG_WARN = 1 << 1
    VMICRO_WARN = 1 << 2
    M_H_WARN = 1 << 3
    ALPHA_M_WARN = 1 << 4
    C_M_WARN = 1 << 5
    N_M_WARN = 1 << 6
    STAR_WARN = 1 << 7
    CHI2_WARN = 1 << 8
    COLORTE_WARN = 1 << 9
    ROTATION_WARN = 1 << 10
    SN_WARN = 1 << 11
    TEFF_BAD = 1 << 16
    LOGG_BAD = 1 << 17
    VMICRO_BAD = 1 << 18
    M_H_BAD = 1 << 19
    ALPHA_M_BAD = 1 << 20
    C_M_BAD = 1 << 21
    N_M_BAD = 1 << 22
    STAR_BAD = 1 << 23
    CHI2_BAD = 1 << 24
    COLORTE_BAD = 1 << 25
    ROTATION_BAD = 1 << 26
    SN_BAD = 1 << 27
    NO_ASPCAP_RESULT = 1 << 31


@verify(UNIQUE)
class AspcapFlagDR17(IntFlag, boundary=KEEP):
    """ASPCAPFLAG of DR17 (64 bits): DR12's bits, holes in the grid of atmospheres, and failed fits."""

    TEFF_WARN = 1 << 0
    LOGG_WARN = 1 << 1
    VMICRO_WARN = 1 << 2
    M_H_WARN = 1 << 3
    ALPHA_M_WARN = 1 << 4
    C_M_WARN = 1 << 5
    N_M_WARN = 1 << 6
    STAR_WARN = 1 << 7
    CHI2_WARN = 1 << 8
    COLORTE_WARN = 1 << 9
    ROTATION_WARN = 1 << 10
    SN_WARN = 1 << 11
    SPEC_HOLE_WARN = 1 << 12
    ATMOS_HOLE_WARN = 1 << 13
    VSINI_WARN = 1 << 14
    TEFF_BAD = 1 << 16
    LOGG_BAD = 1 << 17
    VMICRO_BAD = 1 << 18
    M_H_BAD = 1 << 19
    ALPHA_M_BAD = 1 << 20
    C_M_BAD = 1 << 21
    N_M_BAD = 1 << 22
    STAR_BAD = 1 << 23
    CHI2_BAD = 1 << 24
    COLORTE_BAD = 1 << 25
    ROTATION_BAD = 1 << 26
    SN_BAD = 1 << 27
    SPEC_HOLE_BAD = 1 << 28
    ATMOS_HOLE_BAD = 1 << 29
    VSINI_BAD = 1 << 30
    NO_ASPCAP_RESULT = 1 << 31
    MISSING_APSTAR = 1 << 32
    NO_GRID = 1 << 33
    BAD_FRAC_LOWSNR = 1 << 34
    BAD_FRAC_BADPIX = 1 << 35
    FERRE_FAIL = 1 << 36
    PROBLEM_TARGET = 1 << 40
    MULTIPLE_SUSPECT = 1 << 41


@verify(UNIQUE)
class AstraFlag(IntFlag, boundary=KEEP):
    """flag_bad of SDSS-V's astra, a boolean, as a bit; bits of result_flags have no names here."""

    BAD = 1 << 0


ASPCAP_FLAGS: dict[str, type[IntFlag]] = {"dr12": AspcapFlagDR12, "dr17": AspcapFlagDR17}
