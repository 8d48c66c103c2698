from enum import IntFlag

import pytest

from bayescannon.io.apogee_flags import ASPCAP_FLAGS, AspcapFlagDR12, AspcapFlagDR17


@pytest.mark.parametrize("flags", ASPCAP_FLAGS.values(), ids=ASPCAP_FLAGS)
def test_every_bit_is_single_unique_and_in_its_place(flags: type[IntFlag]):
    values = [member.value for member in flags.__members__.values()]
    assert len(set(values)) == len(values)
    assert all(value.bit_count() == 1 for value in values)
    for name, member in flags.__members__.items():
        if name.endswith("_WARN"):
            assert flags[name.replace("_WARN", "_BAD")] == member << 16
    assert flags.NO_ASPCAP_RESULT == 1 << 31


@pytest.mark.parametrize(
    ("name", "bit"), [("TEFF_WARN", 0), ("STAR_WARN", 7), ("ROTATION_WARN", 10), ("SN_WARN", 11), ("STAR_BAD", 23)]
)
def test_bits_common_to_the_releases(name, bit):
    assert AspcapFlagDR12[name] == AspcapFlagDR17[name] == 1 << bit


def test_dr17_has_bits_above_31():
    assert AspcapFlagDR17.NO_GRID == 8589934592
    assert AspcapFlagDR17(8589934592 | 1024) == AspcapFlagDR17.NO_GRID | AspcapFlagDR17.ROTATION_WARN


def test_a_bit_without_a_name_is_kept_and_is_not_clean():
    for bit in (15, 33, 63):
        flag = AspcapFlagDR12(1 << bit)
        assert flag
        assert flag.value == 1 << bit
        assert flag != AspcapFlagDR12.STAR_BAD
