import pytest

from bayescannon.io.wavelength_scale import wavelength_scale


@pytest.mark.parametrize(
    ("header", "air"),
    [
        ({}, None),
        ({"VACUUM": None}, None),
        ({"VACUUM": True}, False),
        ({"VACUUM": False}, True),
        ({"VACUUM": 0}, True),
        ({"VACUUM": "F"}, True),
        ({"VACUUM": "'F       '"}, True),
        ({"VACUUM": "T "}, False),
        ({"VACUUM": "true"}, False),
        ({"VACUUM": b"no"}, True),
        ({"VACUUM": "air"}, True),
        ({"VACUUM": ""}, None),
        ({"vacuum": False}, True),
        ({"CTYPE1": "AWAV"}, True),
        ({"CTYPE1": "AWAV-LOG"}, True),
        ({"CTYPE1": "WAVE"}, False),
        ({"CTYPE1": "WAVE-LOG"}, False),
        ({"CTYPE1": "LINEAR"}, None),
        ({"CTYPE1": "WAVELENGTH"}, None),
        ({"AIRORVAC": "air"}, True),
        ({"AIRORVAC": "vac"}, False),
        ({"air": True}, True),
        ({"air": "False"}, False),
        ({"medium": "vacuum"}, False),
    ],
)
def test_what_headers_and_attributes_say(header, air):
    assert wavelength_scale(header).air is air
    assert wavelength_scale(header).notes == ()


def test_of_two_that_disagree_one_is_taken_and_said():
    scale = wavelength_scale({"VACUUM": True, "CTYPE1": "AWAV"})
    assert scale.air is False
    assert scale.notes == ("spectra whose VACUUM says vacuum and CTYPE1 says air: VACUUM was taken",)
    assert wavelength_scale({"VACUUM": False, "CTYPE1": "AWAV"}).notes == ()


def test_what_is_unclear_is_said():
    scale = wavelength_scale({"VACUUM": "perhaps", "CTYPE1": "AWAV"})
    assert scale.air is True
    assert scale.notes == ("spectra whose VACUUM = 'perhaps' says neither air nor vacuum",)
    assert "heliocentric" in wavelength_scale({"HELIO": False, "VACUUM": True}).notes[0]
    assert wavelength_scale({"HELIO": True}).notes == ()
