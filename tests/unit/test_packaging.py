"""Workflows, recipes and templates: valid by their schemas, and in step with the package. Nothing is fetched."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import bayescannon
from bayescannon.app.cli_parser import build_parser

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
# what people who report, review and release are asked to run
PAGES = sorted([*GITHUB.glob("*.md"), *(GITHUB / "ISSUE_TEMPLATE").glob("*.yml"), ROOT / "packaging" / "RELEASING.md"])
TARGETS = set(re.findall(r"^([\w-]+):(?!=)", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M))
# packages that conda has by another name
CONDA_NAMES = {"matplotlib": "matplotlib-base"}
# publishing is by the interface of its action, which names its branch
NO_MAJOR_VERSION = {"pypa/gh-action-pypi-publish@release/v1"}


def check_schema(schema, *paths):
    """Check files against a schema that comes inside the package check-jsonschema."""
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run([*words, *map(str, paths)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def jobs_of(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]


def steps_of(path):
    return [step for job in jobs_of(path).values() for step in job.get("steps", [])]


def test_workflows_are_valid():
    assert {path.name for path in WORKFLOWS} == {"ci.yml", "release.yml"}
    check_schema("github-workflows", *WORKFLOWS)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_run_targets_that_there_are(path):
    called = {word for step in steps_of(path) for word in re.findall(r"\bmake ([\w-]+)", step.get("run", ""))}
    assert called
    assert called <= TARGETS


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_have_few_rights_and_end(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]
    for name, job in workflow["jobs"].items():
        assert "uses" in job or job["timeout-minutes"] <= 90, name
    actions = {step["uses"] for step in steps_of(path) if "uses" in step}
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in actions - NO_MAJOR_VERSION)
    for step in steps_of(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
        # texts of strangers, such as the title of a pull request, are no part of a command
        assert "${{" not in step.get("run", "")


def test_rights_to_publish_are_of_the_jobs_that_publish():
    assert {
        name: job["permissions"]
        for name, job in jobs_of(GITHUB / "workflows" / "release.yml").items()
        if "permissions" in job
    } == {"publish": {"id-token": "write"}, "page": {"contents": "write"}}
    assert not any("permissions" in job for job in jobs_of(GITHUB / "workflows" / "ci.yml").values())


def test_the_pythons_tested_are_those_the_package_is_for():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lowest, above = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', text).groups()
    tested = jobs_of(GITHUB / "workflows" / "ci.yml")["test"]["strategy"]["matrix"]["python"]
    assert tested == [f"3.{minor}" for minor in range(int(lowest), int(above))]


def bounds(line):
    """Split "numba>=0.61,<1" or "numba >=0.61,<1" into the name and a set of bounds."""
    name, rest = re.fullmatch(r"([\w.-]+)\s*(.*)", line).groups()
    return name, frozenset(bound.strip() for bound in rest.split(",") if bound)


def test_the_conda_recipe_has_the_dependencies_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    text = (ROOT / "packaging" / "conda" / "recipe.yaml").read_text(encoding="utf-8")
    lowest = yaml.safe_load(text)["context"]["python_min"]
    recipe = yaml.safe_load(text.replace("${{ python_min }}", lowest))
    wanted = dict(bounds(line) for line in project["project"]["dependencies"])
    wanted = {CONDA_NAMES.get(name, name): limits for name, limits in wanted.items()}
    wanted["python"] = bounds(f"python{project['project']['requires-python']}")[1]
    assert dict(bounds(line) for line in recipe["requirements"]["run"]) == wanted
    host = dict(bounds(line) for line in recipe["requirements"]["host"])
    built_with = dict(bounds(line) for line in project["build-system"]["requires"])
    assert host == {"python": {f"{lowest}.*"}, "pip": set(), **built_with}
    (script,) = (f"{name} = {place}" for name, place in project["project"]["scripts"].items())
    assert recipe["build"]["python"]["entry_points"] == [script]
    assert recipe["about"]["license"] == project["project"]["license"]
    assert recipe["about"]["summary"] == project["project"]["description"]
    assert (ROOT / "packaging" / "conda" / recipe["source"]["path"]).resolve() == ROOT.resolve()


def test_versions_are_in_step():
    recipe = yaml.safe_load((ROOT / "packaging" / "conda" / "recipe.yaml").read_text(encoding="utf-8"))
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert recipe["context"]["version"] == citation["version"] == bayescannon.__version__
    released = re.findall(r"^## ([\d.]+) \((.*)\)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.M)
    dates = dict(released)
    if dates[bayescannon.__version__] != "unreleased":
        assert str(citation["date-released"]) == dates[bayescannon.__version__]


def test_the_image_is_built_from_files_that_there_are():
    lines = (ROOT / "packaging" / "Dockerfile").read_text(encoding="utf-8").splitlines()
    copied = [word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]]
    assert copied
    assert all((ROOT / word).exists() for word in copied)
    let_in = (ROOT / "packaging" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    assert sorted(line[1:] for line in let_in if line.startswith("!")) == sorted(copied)
    # it runs as no root, and its Python is one the package is for
    users = [line.split()[1] for line in lines if line.startswith("USER")]
    assert users
    assert users[-1] not in ("root", "0")
    (python,) = (line.partition("=")[2] for line in lines if line.startswith("ARG PYTHON="))
    assert python in jobs_of(GITHUB / "workflows" / "ci.yml")["test"]["strategy"]["matrix"]["python"]


def test_hooks_before_a_commit_call_what_is_installed():
    path = ROOT / ".pre-commit-config.yaml"
    done = subprocess.run([sys.executable, "-m", "pre_commit", "validate-config", path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    binaries = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    repositories = yaml.safe_load(path.read_text(encoding="utf-8"))["repos"]
    # hooks of other repositories would be fetched
    assert [repository["repo"] for repository in repositories] == ["local"]
    for hook in repositories[0]["hooks"]:
        if hook["language"] == "system":
            assert shutil.which(hook["entry"].split()[0], path=binaries), hook["entry"]
        elif hook["language"] == "pygrep":
            re.compile(hook["entry"])


def test_the_citation_is_valid():
    check_schema("citation-file-format", ROOT / "CITATION.cff")


def test_forms_of_issues_are_valid():
    forms = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
    assert [form.stem for form in forms] == ["bug", "config", "new_survey", "question", "wrong_labels"]
    check_schema("github-issue-forms", *(form for form in forms if form.stem != "config"))
    check_schema("github-issue-config", GITHUB / "ISSUE_TEMPLATE" / "config.yml")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_pages_name_options_targets_and_files_that_there_are(path):
    text = path.read_text(encoding="utf-8")
    parser = build_parser()
    (verbs,) = (action.choices for action in parser._actions if isinstance(action.choices, dict))
    words = {option for verb in verbs.values() for option in verb._option_string_actions}
    words |= parser._option_string_actions.keys()
    for command in re.findall(r"`bayescannon ([^`]+)`", text):
        verb, *options = command.split()
        assert verb in verbs or verb in words, command
        assert {word for word in options if word.startswith("--")} <= words, command
    assert set(re.findall(r"(?:`|&& )make ([\w-]+)", text)) <= TARGETS
    for file in re.findall(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|md|toml|cff|yaml|yml))`", text):
        assert (ROOT / file).exists() or (GITHUB / "workflows" / file).exists(), file


def test_messages_and_pages_name_extras_that_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(project["optional-dependencies"])
    pages = [*ROOT.glob("bayescannon/**/*.py"), *ROOT.glob("docs/**/*.md"), ROOT / "README.md"]
    named = {
        name for page in pages for name in re.findall(r"bayescannon\[([a-z,]+)\]", page.read_text(encoding="utf-8"))
    }
    assert named
    assert {one for name in named for one in name.split(",")} <= extras
