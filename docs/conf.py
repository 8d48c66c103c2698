"""Configuration of sphinx; `make docs` builds the documentation into build/docs."""

import sys
import urllib.request
from pathlib import Path

from sphinx.util import logging

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

from bayescannon import __version__

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
exclude_patterns = ["extensions", "**.ipynb_checkpoints", "tutorial/notebooks/*.md", "tutorial/notebooks/*.py"]

# notebooks are shown with the outputs that they are stored with; tests run them
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3

autosummary_generate = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

html_theme = "pydata_sphinx_theme"
html_title = f"bayescannon {version}"
html_math_renderer = "mathml"
html_static_path = ["static"]
html_css_files = ["docs.css"]
html_show_sourcelink = False
html_theme_options = {"show_prev_next": True, "navigation_with_keys": False, "secondary_sidebar_items": ["page-toc"]}


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
