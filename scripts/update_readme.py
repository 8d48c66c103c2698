"""
Run the README's example, and put what it prints and draws into the README.

Usage: python scripts/update_readme.py
"""

import contextlib
import io
import os
import re
import tempfile
import time
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
FIGURE = ROOT / "docs" / "one_to_one.png"
# pixels of the figure's width in the README
WIDTH = 1000


def main() -> None:
    """Run the example in a folder of its own; say how long it took."""
    text = README.read_text(encoding="utf-8")
    example = text.partition("```python\n")[2].partition("```")[0]
    here, printed, start = Path.cwd(), io.StringIO(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(printed):
                exec(compile(example, str(README), "exec"), {})
            image = Image.open("one_to_one.png").convert("RGB")
        finally:
            os.chdir(here)
    FIGURE.parent.mkdir(exist_ok=True)
    height = round(image.height * WIDTH / image.width)
    image.resize((WIDTH, height), Image.Resampling.LANCZOS).save(FIGURE, optimize=True)
    rows = "\n".join(line.rstrip() for line in printed.getvalue().splitlines())
    README.write_text(re.sub(r"prints\n\n```\n.*?\n```\n", f"prints\n\n```\n{rows}\n```\n", text, flags=re.S), "utf-8")
    print(f"ran in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
