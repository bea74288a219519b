"""Workflows, issue forms and the citation are what their readers take, and agree with the project."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # pre-commit needs it, so it is in the lock

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")


def loaded(path: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found


def steps_of(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job.get("steps", [])]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_few_permissions_and_an_end(path: Path) -> None:
    workflow = loaded(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert set(workflow) >= {"name", True, "jobs"}, "YAML reads `on` as true"
    for job in workflow["jobs"].values():
        assert "uses" in job or ("timeout-minutes" in job and "runs-on" in job)
        assert set(job.get("permissions", {})) <= {"id-token", "pages"}
        needs = job.get("needs", [])
        assert {needs} if isinstance(needs, str) else set(needs) <= set(workflow["jobs"])
    for step in steps_of(workflow):
        assert ("uses" in step) != ("run" in step)
    assert "secrets." not in path.read_text("utf-8")


PIN = re.compile(r"uses: ([\w-]+/[\w-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)\n")

INPUTS = {
    "actions/checkout": {"fetch-depth", "persist-credentials"},
    "actions/setup-python": {"python-version", "cache", "cache-dependency-path"},
    "actions/upload-artifact": {"name", "path", "if-no-files-found"},
    "actions/download-artifact": {"name", "path"},
    "actions/upload-pages-artifact": {"path"},
    "actions/deploy-pages": set(),
    "pypa/gh-action-pypi-publish": set(),
}
"""What we give to actions, as their action.yml names it: actionlint knows only older versions of them."""

ON_NODE_24 = {
    "actions/checkout": 5,
    "actions/setup-python": 6,
    "actions/upload-artifact": 6,
    "actions/download-artifact": 7,
    "actions/upload-pages-artifact": 5,
    "actions/deploy-pages": 5,
}
"""The first version of each action in JavaScript that needs no Node 20, which GitHub took away in September 2026."""


def test_each_action_is_one_commit_and_has_inputs_that_it_takes() -> None:
    """A tag can be moved, and the job that publishes may sign in to PyPI."""
    pins = {pin for path in WORKFLOWS for pin in PIN.findall(path.read_text("utf-8"))}
    assert {name for name, _, _ in pins} == set(INPUTS)
    assert len(pins) == len(INPUTS), "of each action one version"
    major = {name: int(version[1:].partition(".")[0]) for name, _, version in pins}
    assert {name for name, least in ON_NODE_24.items() if major[name] < least} == set()
    for path in WORKFLOWS:
        used = [step for step in steps_of(loaded(path)) if "uses" in step]
        assert len(PIN.findall(path.read_text("utf-8"))) == len(used)
        for step in used:
            name, given = step["uses"].partition("@")[0], step.get("with", {})
            assert set(given) <= INPUTS[name], name
            assert name != "actions/checkout" or given["persist-credentials"] is False, "nothing is pushed"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_a_workflow_runs_is_there(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    if path.stem == "site" and not (ROOT / "website").is_dir():
        pytest.skip("the site is not here yet")
    for step in steps_of(loaded(path)):
        run = step.get("run", "")
        assert set(re.findall(r"\bmake ([a-z-]+)", run)) <= targets
        for name in re.findall(r"(?:-r |python )((?:requirements|scripts)/\S+)", run):
            assert (ROOT / name).is_file(), name
        for module in re.findall(r"-m scripts\.(\w+)", run):
            assert (ROOT / "scripts" / f"{module}.py").is_file()
        for folder in re.findall(r"--ignore=(\S+)", run):
            assert folder == "tests/site" or (ROOT / folder).is_dir(), folder


def test_units_run_on_every_python_and_three_systems() -> None:
    matrix = loaded(ROOT / ".github" / "workflows" / "tests.yml")["jobs"]["unit"]["strategy"]["matrix"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["requires-python"] == f">={matrix['python'][0]}"
    assert matrix["python"] == [f"3.{minor}" for minor in range(10, 15)]
    assert [name.partition("-")[0] for name in matrix["os"]] == ["ubuntu", "macos", "windows"]


def test_a_release_is_tested_built_checked_and_then_published_without_a_token() -> None:
    jobs = loaded(ROOT / ".github" / "workflows" / "release.yml")["jobs"]
    assert jobs["tests"]["uses"] == "./.github/workflows/tests.yml"
    assert True in loaded(ROOT / ".github" / "workflows" / "tests.yml")
    assert "workflow_call" in loaded(ROOT / ".github" / "workflows" / "tests.yml")[True]
    assert set(jobs["publish"]["needs"]) == {"tests", "build"}
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert not any("with" in step and "password" in step["with"] for step in jobs["publish"]["steps"])
    runs = " ".join(step.get("run", "") for step in jobs["build"]["steps"])
    assert runs.index("scripts/release.py") < runs.index("SOURCE_DATE_EPOCH") < runs.index("make build")
    assert "vmwidgets selftest" in runs


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_has_what_github_takes(path: Path) -> None:
    form = loaded(path)
    assert set(form) == {"name", "description", "labels", "body"}
    ids = [item["id"] for item in form["body"]]
    assert len(set(ids)) == len(ids)
    for item in form["body"]:
        assert item["type"] in ("markdown", "textarea", "input", "dropdown", "checkboxes")
        assert set(item["attributes"]) <= {"label", "description", "placeholder", "value", "render"}
        assert item["attributes"]["label"]
        assert set(item.get("validations", {})) <= {"required"}
    assert any(item.get("validations", {}).get("required") for item in form["body"])


def test_the_citation_has_the_fields_of_its_format_and_the_projects_facts() -> None:
    """The required fields of the Citation File Format 1.2.0, and no others than it has."""
    citation = loaded(ROOT / "CITATION.cff")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    known = {
        "abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi", "identifiers", "keywords",
        "license", "license-url", "message", "preferred-citation", "references", "repository", "repository-artifact",
        "repository-code", "title", "type", "url", "version",
    }  # fmt: skip  # the schema's list
    assert set(citation) <= known
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert citation["version"] == project["version"]
    assert citation["license"] == project["license"]
    assert [one["name"] for one in citation["authors"]] == [one["name"] for one in project["authors"]]


def test_pages_for_people_who_ask_are_there() -> None:
    for name in ("SECURITY.md", "docs/versions.md", "docs/releasing.md"):
        assert (ROOT / name).is_file()
    assert "docs/versions.md" in (ROOT / "README.md").read_text("utf-8")
