"""Workflows, recipes and templates: valid by their schemas, and in step with the package. Nothing is fetched."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([\w-]+):(?!=)", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M))
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
    assert called <= TARGETS | {"docs"}


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
