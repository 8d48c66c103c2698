"""Where a trained model comes from: the version that trained it, and how its spectra were prepared."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bayescannon import __version__
from bayescannon.data.preset import release_mismatch


@dataclass(frozen=True)
class Provenance:
    """
    Where a trained model comes from.

    Attributes
    ----------
    version : str
        Of bayescannon, at the training.
    preset, preset_settings : str
        Name and all settings (JSON) of the preparation of the reference spectra; empty where unknown.
    data_release : str
        Of the reference spectra; empty where unknown.
    """

    version: str = __version__
    preset: str = ""
    preset_settings: str = ""
    data_release: str = ""

    @classmethod
    def of_spectra(cls, attrs: Mapping[str, Any]) -> "Provenance":
        """Take what the attributes of spectra say; see :class:`bayescannon.data.spectra.Spectra`."""
        return cls(**{name: str(attrs.get(name, "")) for name in ("preset", "preset_settings", "data_release")})

    def mismatch(self, attrs: Mapping[str, Any]) -> str:
        """Say how spectra with these attributes differ in preparation and release; empty if not, or if unknown."""
        other = str(attrs.get("preset_settings", ""))
        sentences = []
        if self.preset_settings and other and self.preset_settings != other:
            sentences.append(
                f"the spectra were prepared with {other}, the model was trained on spectra prepared with "
                f"{self.preset_settings}; labels of spectra prepared otherwise are biased"
            )
        sentences.append(release_mismatch(self.data_release, str(attrs.get("data_release", ""))))
        return "; ".join(sentence for sentence in sentences if sentence)
