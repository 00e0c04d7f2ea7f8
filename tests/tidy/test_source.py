"""The source is tested too: sizes, words, imports, and that what exists is documented."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 70
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b|\bNotImplemented" + r"Error\b")
MACHINE_PATH = re.compile(r"(?<![\w.$}/~-])/(home|root|work|Users|farm|mnt)/[\w.-]+")
HOST = re.compile(r"https?://([\w.-]+\.[a-z]{2,})\b", re.IGNORECASE)
OWN_HOST = re.compile(r"(^|\.)(example|test|localhost|invalid|example\.(org|com|net))$", re.IGNORECASE)
NAMED_HOSTS = {
    "www.apache.org",
    "www.w3.org",
    "cloudevents.io",
    "doi.org",
    "data.4tu.nl",
    "data.kcmo.org",
    "www.xes-standard.org",
}
TEXT_SUFFIXES = {".py", ".md", ".toml", ".html", ".css", ".js", ".sql", ".in", ".cfg", ".txt", ".yml", ".yaml", ""}


@cache
def tracked() -> tuple[Path, ...]:
    """The files of the repository: those that git tracks or would; of a copy without git, all of the source folders."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:
        paths = [ROOT / line for line in listed.stdout.splitlines()]
    else:
        folders = ("services", "shared", "tests", "docs", "deploy", "requirements")
        paths = [path for folder in folders for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    return tuple(path for path in paths if path.is_file())


def modules(*folders: str) -> list[Path]:
    """The Python files of the folders."""
    return [path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in folders]


def texts() -> Iterator[tuple[Path, str]]:
    """The tracked files that people write, with their text."""
    for path in tracked():
        if path.suffix in TEXT_SUFFIXES and path.name != "LICENSE" and "vendor" not in path.parts:
            try:
                yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def matches(pattern: re.Pattern[str]) -> list[str]:
    """`file:line: text` of every line that the pattern finds, this test's own file apart."""
    return [
        f"{path}:{number}: {line.strip()[:120]}"
        for path, text in texts()
        if path != Path(__file__).relative_to(ROOT)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a module, methods and inner ones too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imported(path: Path) -> Iterator[str]:
    """The names of the modules that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_modules_are_short() -> None:
    """No module of the product or the tests has more than 400 lines."""
    lines = {
        path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules("services", "shared", "tests")
    }
    assert [f"{path}: {count}" for path, count in lines.items() if count > MAX_MODULE_LINES] == []


def test_functions_are_short() -> None:
    """No function of the product or the tests has more than 70 lines."""
    long = [
        f"{path}:{function.lineno} {function.name}"
        for path in modules("services", "shared", "tests")
        for function in functions(path)
        if (function.end_lineno or 0) - function.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert long == []


def test_nothing_is_left_unfinished() -> None:
    """No file carries a word that announces unfinished work."""
    assert matches(UNFINISHED) == []


def test_no_path_of_a_machine() -> None:
    """No file names a folder of the machine it was written on."""
    assert matches(MACHINE_PATH) == []


def test_no_host_of_the_outside() -> None:
    """Addresses in the files lead to this machine, to names kept for examples, or to the few sources that are cited."""
    foreign = {
        f"{path}: {host}"
        for path, text in texts()
        for host in HOST.findall(text)
        if not OWN_HOST.search(host) and host.lower() not in NAMED_HOSTS
    }
    assert foreign == set()


def test_services_never_import_each_other() -> None:
    """A service imports shared code only; composition root, supervisor and command line join services."""
    joining = {"wiring", "supervisor", "commands", "__main__"}
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules("services")
        for name in imported(path)
        if name.startswith("services.")
        and (own := path.relative_to(ROOT).with_suffix("").parts[1]) not in joining
        and name.split(".")[1] != own
    ]
    assert wrong == []


def test_shared_code_never_imports_a_service() -> None:
    """Imports point from the services to the shared code."""
    assert [
        str(path) for path in modules("shared") for name in imported(path) if name.split(".")[0] == "services"
    ] == []


def test_the_product_never_prints() -> None:
    """Services speak through logs, the command line through click; nothing calls print."""
    calls = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules("services", "shared")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert calls == []


@pytest.mark.parametrize("name", Settings.__struct_fields__)
def test_every_setting_is_documented(name: str) -> None:
    """Each setting has its line in docs/settings.md, with its default."""
    row = re.search(
        rf"^\| `PARCOURS_{name.upper()}` \| (.*?) \|",
        (ROOT / "docs/settings.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert row is not None
    default = getattr(Settings(), name)
    shown = "none" if default in {None, ""} else f"`{int(default) if isinstance(default, bool) else default}`"
    assert row[1] == shown


def test_no_setting_is_documented_that_does_not_exist() -> None:
    """docs/settings.md and all other documents name only variables that are read."""
    known = {f"PARCOURS_{name.upper()}" for name in Settings.__struct_fields__}
    named = {
        variable
        for path, text in texts()
        if path.suffix == ".md" or path.name == "Makefile"
        for variable in re.findall(r"\bPARCOURS_[A-Z_]+[A-Z]\b", text)
    }
    assert named - known == set()


def test_every_make_target_is_explained() -> None:
    """`make help`, which is also what `make` alone does, lists every target that a person may name."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())
    explained = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {line.split()[1] for line in explained.stdout.splitlines()} == targets
    assert all(len(line.split()) > 3 for line in explained.stdout.splitlines())


def test_every_test_states_its_behaviour() -> None:
    """Each test function has a docstring."""
    silent = [
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}"
        for path in modules("tests")
        for function in functions(path)
        if function.name.startswith("test_") and not ast.get_docstring(function)
    ]
    assert silent == []


def test_every_module_of_the_product_says_what_it_is_for() -> None:
    """Each module of the product that holds code has a docstring."""
    silent = [
        str(path.relative_to(ROOT))
        for path in modules("services", "shared")
        if (tree := ast.parse(path.read_text(encoding="utf-8"))).body and not ast.get_docstring(tree)
    ]
    assert silent == []
