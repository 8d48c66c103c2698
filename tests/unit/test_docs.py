"""The documentation: every link leads somewhere, what is generated can be generated, and pages hold what is public."""

import ast
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import code_lines
import generated
import model_tables
import pytest
from command_tables import commands
from numpydoc.validate import validate

import bayescannon as bc
from bayescannon import figures
from bayescannon.app.cli import FAULT, UNUSABLE, WRONG_USAGE
from bayescannon.app.cli_parser import build_parser

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *ROOT.glob("*.md"),
    *(path for path in DOCS.rglob("*.md") if "notebooks" not in path.parts),
    *ROOT.glob("studies/*/README.md"),
    ROOT / "benchmarks" / "README.md",
]


def anchors(path):
    """Return the anchors of a page's headings, as public hosts and myst make them."""
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.M | re.S)
    heads = re.findall(r"^#+ +(.*)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(path), f"{page.name} links to {target}; there are {sorted(anchors(path))}"


@pytest.mark.parametrize("page", sorted(DOCS.rglob("index.md")), ids=lambda path: str(path.relative_to(DOCS)))
def test_every_page_of_a_folder_is_in_its_contents(page):
    text = page.read_text("utf-8")
    pages = {path.stem for path in page.parent.glob("*.md")} - {"index"}
    folders = {path.parent.name for path in page.parent.glob("*/index.md")}
    assert {name for name in pages if not re.search(rf"^{name}$", text, re.M)} == set()
    assert {name for name in folders if not re.search(rf"^{name}/index$", text, re.M)} == set()


def test_every_public_name_is_on_one_page():
    listed = []
    for page in (DOCS / "reference" / "api").glob("*.md"):
        for module, names in re.findall(r"^```\{api\} (\S+)\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S):
            listed += [f"{module}.{name}" for name in names.split()]
    public = [f"bayescannon.{name}" for name in bc.__all__ if name != "__version__"]
    assert sorted(listed) == sorted([*public, *(f"bayescannon.figures.{name}" for name in figures.__all__)])


def test_docstrings_of_functions_are_complete():
    """Every parameter is described, in its order, and what is returned; of a class its attributes are."""
    wanted = {"PR01", "PR02", "PR03", "RT01", "GL06", "GL07"}
    names = [f"bayescannon.{name}" for name in bc.__all__ if name != "__version__"]
    names += [f"bayescannon.figures.{name}" for name in figures.__all__]
    faults = {}
    for name in names:
        module, _, last = name.rpartition(".")
        if not isinstance(getattr(sys.modules[module], last), type):
            found = [text for code, text in validate(name)["errors"] if code in wanted]
            faults |= {name: found} if found else {}
    assert faults == {}


def test_lines_of_code_are_found():
    file, name, line = code_lines.line_of("models/label_vector.py:label_vector")
    text = (ROOT / "bayescannon" / file).read_text("utf-8").splitlines()
    assert text[line - 1].startswith(f"def {name}(")
    assert code_lines.place_of("bayescannon.data.flags.ResultFlag")[0] == "data/flags.py"
    with pytest.raises(LookupError, match="has no 'nothing'"):
        code_lines.line_of("models/label_vector.py:nothing")
    with pytest.raises(LookupError, match=r"no file nowhere\.py"):
        code_lines.line_of("nowhere.py:label_vector")


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda path: str(path.relative_to(DOCS)))
def test_every_line_of_code_that_is_named_is_there(page):
    for target in re.findall(r"\{line\}`([^`]+)`", page.read_text("utf-8")):
        code_lines.line_of(target)


def test_generated_tables_hold_what_the_code_has():
    from bayescannon.data.flags import FitStatus

    columns = generated.TEXTS["catalogue"]()
    assert "| `e_teff` | f4 | K | calibrated error of teff" in columns
    assert all(f"`{status.name}`" in columns for status in FitStatus)
    commands = generated.TEXTS["command_line"]()
    assert "### `bayescannon label`" in commands
    assert "--clip-sigma" in commands
    assert "| `clip_sigma` |" in generated.TEXTS["configuration"]()
    dims = {"model": {"theta": "pixel, term"}}
    assert "| `theta` | pixel, term | normalised flux |" in model_tables.tables(dims)
    assert "| `flux` | star, pixel | float32 | sharding_indexed | normalised flux |" in generated.TEXTS["store"]()


def test_sections_of_the_readme_are_taken_whole():
    install, steps = generated.TEXTS["install"](), generated.TEXTS["real_surveys"]()
    assert "pip install ." in install
    assert "](tutorial/demonstration.md)" in install
    assert "    bayescannon run run.toml" in steps
    assert steps.endswith("as LAMOST's catalogues\nare).")


def test_blocks_are_replaced():
    page = "# A page\n\n```{generated} example\n```\n\n```{api} bayescannon\ntrain\nCut\n```\n"
    text = generated.replaced(page)
    assert "import bayescannon as bc" in text
    assert ".. autofunction:: bayescannon.train" in text
    assert ".. autoclass:: bayescannon.Cut" in text
    with pytest.raises(generated.ExtensionError, match="no generated text 'nothing'"):
        generated.replaced("```{generated} nothing\n```\n")


def commands_in(page):
    """Return the commands of bayescannon in a page's blocks of shell."""
    text = page.read_text("utf-8").replace("\\\n", " ")
    blocks = re.findall(r"^```bash\n(.*?)^```", text, re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines()] + re.findall(r"^    (.*)$", text, re.M)
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return [part for part in parts if part.startswith("bayescannon ")]


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda path: str(path.relative_to(DOCS)))
def test_every_command_can_be_given(page):
    for command in commands_in(page):
        given = shlex.split(command, comments=True)[1:]
        assert build_parser().parse_args(given).verb == given[0]


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", DOCS / "reference" / "command_line.md"], ids=["README", "reference"]
)
def test_every_verb_is_in_the_tables_of_commands(page):
    text = page.read_text("utf-8")
    assert [verb for verb in commands() if not re.search(rf"^\|.*`bayescannon {verb}[ `]", text, re.M)] == []


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))], ids=lambda path: str(path.relative_to(ROOT))
)
def test_what_a_page_names_is_there(page):
    """Options of commands, public names, and Python that can be parsed."""
    text = page.read_text("utf-8")
    options = {name for parser in commands().values() for action in parser._actions for name in action.option_strings}
    for code in re.findall(r"`([^`\n]+)`", text):
        # options of other programs, and of the program as a whole
        if not code.startswith(("python ", "sbatch ")) and "--print-completion" not in code:
            assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", code)) <= options, code
    assert set(re.findall(r"\bbc\.(\w+)", text)) <= set(bc.__all__)
    for block in re.findall(r"^```python\n(.*?)^```", text, re.M | re.S):
        ast.parse(block)


def test_commands_are_found():
    assert sum(len(commands_in(page)) for page in DOCS.rglob("*.md")) > 10


def test_the_exit_statuses_are_those_of_the_code():
    table = (DOCS / "design" / "robustness.md").read_text("utf-8").partition("| status |")[2].partition("\n\n")[0]
    listed = {int(number) for row in re.findall(r"^\| ([\d, ]+) \|", table, re.M) for number in row.split(",")}
    signals = {128 + number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGKILL)}
    assert listed == {0, UNUSABLE, WRONG_USAGE, FAULT, *signals}


def texts_of_the_package():
    """Yield every text in the package's code, with blanks in place of what is put into it."""
    for path in (ROOT / "bayescannon").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "\0" for part in node.values]
                yield " ".join("".join(parts).split())
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield " ".join(node.value.split())


def test_every_message_that_is_quoted_is_one_of_the_package():
    page = (DOCS / "troubleshooting.md").read_text("utf-8")
    quoted = re.findall(r"^> (.*)$", page, re.M)
    assert len(quoted) > 20
    texts = list(texts_of_the_package())
    for message in quoted:
        parts = [part.strip(" .:;,") for part in re.split(r"\.\.\.+", message)]
        pattern = re.compile(".*".join(re.escape(part) for part in parts if part))
        assert any(pattern.search(text) for text in texts), f"no code says: {message}"


@pytest.mark.long
def test_sphinx_builds_it_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", str(tmp_path / "trees")]
    done = subprocess.run([*command, str(DOCS), str(tmp_path / "html")], capture_output=True, text=True, timeout=550)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "html" / "reference" / "api" / "labelling.html").read_text("utf-8")
    assert 'id="bayescannon.label_spectra"' in page
    assert (tmp_path / "html" / "code").is_dir()
