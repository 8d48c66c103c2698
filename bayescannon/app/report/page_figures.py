"""The figures of a run for its page: vector graphics where the run left them, else pictures, in the page's text."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bayescannon.app.report.captions import Caption

# of one figure, and of all of them together [bytes]
_MOST, _MOST_TOGETHER = 4_000_000, 9_000_000
# how the files begin
_BEGIN = {".svg": (b"<?xml", b"<svg"), ".png": (b"\x89PNG\r\n\x1a\n",)}
_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


@dataclass(frozen=True)
class PageFigure:
    """
    A figure in a page.

    Attributes
    ----------
    name : str
    caption : Caption
    source : str
        The file as a ``data:`` address. An SVG is shown as a picture is, so that nothing in it runs or is fetched, and
        its ids are its own.
    """

    name: str
    caption: Caption
    source: str


def page_figures(
    folder: Path, captions: Mapping[str, Caption], beside: Sequence[PageFigure] = ()
) -> tuple[list[PageFigure], list[str]]:
    """
    Read figures, and say which were left out.

    Parameters
    ----------
    folder : Path
    captions : mapping of str to Caption
        By the names of the figures.
    beside : sequence of PageFigure
        Figures that the page has already: all of them share its room.

    Returns
    -------
    figures : list of PageFigure
    notes : list of str
        A sentence for each that cannot be shown.
    """
    # four characters stand for three bytes
    figures, notes, room = [], [], _MOST_TOGETHER - sum(3 * len(one.source) // 4 for one in beside)
    for name, caption in captions.items():
        path = next((one for ending in _BEGIN if (one := folder / f"{name}{ending}").is_file()), None)
        if path is None:
            continue
        size = path.stat().st_size
        if size > min(_MOST, room):
            notes.append(f"figure {path.name} is left out, as it has {size / 1e6:.1f} MB; it is in {folder.name}")
            continue
        data = path.read_bytes()
        if not data.startswith(_BEGIN[path.suffix]):
            notes.append(f"figure {path.name} is damaged, or no picture, and is left out")
            continue
        room -= size
        source = f"data:{_TYPES[path.suffix]};base64,{base64.b64encode(data).decode('ascii')}"
        figures.append(PageFigure(name, caption, source))
    return figures, notes


def figure_names(folder: Path) -> list[str]:
    """Return the names of the figures in a folder."""
    return sorted({path.stem for ending in _BEGIN for path in folder.glob(f"*{ending}")})
