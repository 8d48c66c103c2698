"""Configuration of sphinx; `make docs` builds the documentation into build/docs."""

import shutil
import sys
import urllib.request
from pathlib import Path

from sphinx.util import logging

from bayescannon import __version__

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))


project = "bayescannon"
author = "The bayescannon developers"
copyright = author
version = release = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "generated",
    "code_lines",
    "mathml",
]
root_doc = "index"
exclude_patterns = ["extensions", "**.ipynb_checkpoints"]

# notebooks are shown with the outputs that they are stored with; tests run them
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
# options of commands keep their two hyphens
smartquotes = False

autosummary_generate = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "pydata_sphinx_theme"
html_title = f"bayescannon {version}"
html_math_renderer = "mathml"
html_static_path = ["static"]
html_css_files = ["docs.css"]
html_show_sourcelink = False
html_theme_options = {"show_prev_next": True, "navigation_with_keys": False, "secondary_sidebar_items": ["page-toc"]}


def _copy_notebooks() -> None:
    """Bring the notebooks of the project to the tutorial, where git leaves them out; unchanged ones stay."""
    target = HERE / "tutorial" / "notebooks"
    target.mkdir(exist_ok=True)
    notebooks = {path.name: path for path in (HERE.parent / "notebooks").glob("*.ipynb")}
    for path in target.iterdir():
        if path.name not in notebooks:
            path.unlink()
    for name, path in notebooks.items():
        if not (target / name).exists() or (target / name).read_bytes() != path.read_bytes():
            shutil.copyfile(path, target / name)


_copy_notebooks()


def _reachable() -> dict[str, tuple[str, None]]:
    """Return the documentation of other packages, if their inventories can be reached; else say so and leave it out."""
    places = {
        "numpy": "https://numpy.org/doc/stable",
        "astropy": "https://docs.astropy.org/en/stable",
        "xarray": "https://docs.xarray.dev/en/stable",
        "pymc": "https://www.pymc.io/projects/docs/en/stable",
        "arviz": "https://python.arviz.org/en/stable",
    }
    found = {}
    for name, address in places.items():
        try:
            with urllib.request.urlopen(f"{address}/objects.inv", timeout=5):
                found[name] = (f"{address}/", None)
        except OSError as error:
            logging.getLogger(__name__).info(
                "no links to the documentation of other packages: %s/objects.inv cannot be reached (%s)", address, error
            )
            return {}
    return found


intersphinx_mapping = _reachable()
# names of other packages that could not be looked up are no fault of ours
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(numpy|astropy|xarray|pymc|arviz|matplotlib|specutils|pathlib|collections)\..*")]
