"""What the documents say about the code is true."""

import html
import re
import tomllib

import pytest

from portal.environment import VARIABLES
from portal.web_server import web_server_command
from services.languages.furigana import RUBY
from services.languages.registry import SPOKEN
from tests.support.production import REQUIRED
from tests.support.servers import ROOT


def read(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


def test_deploy_lists_the_variables_of_the_environment():
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \| ([^|]+) \|", read("docs/deploy.md"), re.MULTILINE)
    assert [name for name, _required, _default in rows] == list(VARIABLES)
    assert {name for name, required, _default in rows if required == "**yes**"} == set(REQUIRED)
    defaults = {name: found[1] for name, _required, default in rows if (found := re.fullmatch("`(.+)`", default))}
    assert {name: VARIABLES[name].default for name in VARIABLES if VARIABLES[name].default} == defaults


def test_environment_is_read_in_one_module():
    files = [
        *(ROOT / "portal").rglob("*.py"),
        *(ROOT / "services").rglob("*.py"),
        *(ROOT / "consultations").rglob("*.py"),
    ]
    reads = re.compile(r"os\.environ(?:\.get\(|\[)|getenv\(")
    assert [file.name for file in files if reads.search(file.read_text("utf-8"))] == ["environment.py"]


def test_dependencies_each_have_a_line_of_reason():
    project = tomllib.loads(read("pyproject.toml"))["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = [re.match(r"[a-z0-9-]+", requirement.lower())[0] for requirement in asked]
    page = read("docs/adr/0002-dependencies.md").lower()
    rows = " ".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| "))
    explained = set(re.findall(r"[a-z][a-z0-9-]+", rows))
    assert [name for name in names if name not in explained] == []
    assert len(names) >= 26


def test_glossary_has_eighty_terms_in_ten_languages():
    page = read("docs/glossary.md")
    terms = [line for line in page.splitlines() if line.startswith("<tr><td>")]
    assert len(terms) == 80
    in_order = [code for code in SPOKEN if code != "en"]
    for term in terms:
        cells = re.findall(r'<td lang="([a-z-]+)"(?: dir="(rtl)")?>([^<]+)</td>', term)
        assert sorted(code for code, _dir, _text in cells) == sorted(in_order), term
        assert [code for code, direction, _text in cells if direction] == ["ar"], term
        easy = {code: html.unescape(text) for code, _dir, text in cells}["ja-simple"]
        assert not re.search("[\u4e00-\u9fff]", RUBY.sub("", easy)), easy


def test_container_starts_the_web_server_that_was_measured():
    command = re.search(r"^CMD \[(.*?)\]", read("Dockerfile"), re.MULTILINE | re.DOTALL)[1]
    words = re.findall(r'"([^"]*)"', command)
    assert words == ["python", *web_server_command("8000", host="0.0.0.0", workers=2)[1:]]
    assert " ".join(words) in read("docs/deploy.md")


@pytest.mark.parametrize(
    "document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/deploy.md", "docs/glossary.md"]
)
def test_documents_lead_to_files_that_exist(document):
    text = re.sub(r"<!--.*?-->", "", read(document), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    folder = (ROOT / document).parent
    assert [link for link in links if not (folder / link).exists()] == []
    assert text.startswith("# ")


def test_readme_names_commands_that_the_makefile_has():
    named = set(re.findall(r"\bmake ([a-z][a-z-]+)", read("README.md") + read("CONTRIBUTING.md")))
    has = set(re.findall(r"^([a-z][a-z-]+):", read("Makefile"), re.MULTILINE))
    assert named - has == set()
    assert {"run", "test", "check", "bench", "backup", "restore"} <= named
