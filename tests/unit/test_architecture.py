"""What the import contracts of pyproject.toml cannot say."""

import ast
import sys
import tomllib
from pathlib import Path

import ctid

ROOT = Path(__file__).parents[2]
DOMAIN = sorted((ROOT / "ctid/domain").glob("**/*.py"))
CLOCKS = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time")


def test_the_domain_imports_nothing_but_itself_and_the_standard_library() -> None:
    assert DOMAIN
    allowed = {
        *sys.stdlib_module_names,
        "orjson",  # docs/adr/0008-orjson.md
        "phonenumbers",  # tables and rules of numbering plans; pure, and nobody writes them anew
    }
    for path in DOMAIN:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Import():
                    names = [alias.name for alias in node.names]
                case ast.ImportFrom():
                    names = [node.module or ""]
                case _:
                    continue
            for name in names:
                top = name.partition(".")[0]
                assert top in allowed or name.startswith("ctid.domain"), path


def test_the_domain_reads_no_clock() -> None:
    for path in DOMAIN:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                assert not ast.unparse(node.func).endswith(CLOCKS), (path, node.lineno)


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert "version" not in project
    assert project["dynamic"] == ["version"]
    assert ctid.__version__.count(".") == 2
