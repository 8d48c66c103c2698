"""Machine-readable tables: bytes where the header says, and nothing lost on the way back."""

from pathlib import Path

from catalogues import make_estimates

from bayescannon.io.catalogue import (
    build_catalogue,
    write_catalogue,
)


def test_mrt_bytes_are_where_the_header_says(tmp_path: Path) -> None:
    table = build_catalogue(make_estimates())
    write_catalogue(table, tmp_path / "c.mrt")
    lines = (tmp_path / "c.mrt").read_text().splitlines()
    rows = lines[-len(table) :]
    assert max(map(len, lines[: -len(table)])) <= 80
    assert len({len(row) for row in rows}) == 1
    (entry,) = [line for line in lines if "? effective temperature" in line]
    first, last = map(int, entry[: entry.index("F")].replace(" ", "").split("-"))
    cells = [row[first - 1 : last] for row in rows]
    assert cells[0].strip() == f"{table['teff'][0]:.1f}"
    assert cells[1].strip() == ""
    assert entry.split()[2:5] == [f"F{last - first + 1}.1", "K", "teff"]
    (entry,) = [line for line in lines if "? log10 of the surface gravity" in line]
    assert entry.split()[3:5] == ["[-]", "logg"]
