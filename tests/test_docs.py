"""The pages tell the truth: their code runs, what they name exists."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from miniscope_nwb.convert.readers.base import Reader
from miniscope_nwb.engines.base import Engine, Task
from miniscope_nwb.engines.registry import GROUP as ENGINES
from miniscope_nwb.params.models import Parameters
from miniscope_nwb.plugins import GROUP as READERS
from miniscope_nwb.testing.engine_suite import EngineContract

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "benchmarks" / "README.md",
]
COMMANDS = (
    "inspect", "init", "convert", "verify", "plan", "process", "import", "curate", "show",
    "validate", "simulate", "demo", "doctor",
)  # fmt: skip


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name, language):
    """Return the pieces of code of a page."""
    return re.findall(rf"```{language}\n(.*?)```", text_of(name), re.DOTALL)


def run_blocks(name):
    found = {"__name__": name}
    for code in blocks(name, "python"):
        exec(compile(code, name, "exec"), found)
    return found


def test_engine_of_the_page_has_all_that_an_engine_has():
    found = run_blocks("docs/add_an_engine.md")
    engine = found["MyEngine"]()
    assert isinstance(engine, Engine)
    assert engine.availability().is_available
    assert engine.versions()["engine"]
    EngineContract().test_predicts_what_it_takes(engine)
    assert engine.predict(Task(100, 20, 30, 1, 5, 2)).scratch_bytes == 12 * 5 * 100
    assert issubclass(found["TestMyEngine"], EngineContract)


def test_reader_of_the_page_has_all_that_a_reader_has(tmp_path):
    reader = run_blocks("docs/add_a_reader.md")["MyScopeReader"]()
    assert isinstance(reader, Reader)
    assert not reader.sniff(tmp_path).is_match
    (tmp_path / "clock.txt").touch()
    assert reader.sniff(tmp_path).is_match


@pytest.mark.parametrize(
    ("page", "group"), [("docs/add_an_engine.md", ENGINES), ("docs/add_a_reader.md", READERS)]
)
def test_entry_points_of_the_pages_have_the_right_group(page, group):
    (code,) = blocks(page, "toml")
    ((name, target),) = tomllib.loads(code)["project"]["entry-points"][group].items()
    assert name
    assert target.count(":") == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith(("http:", "https:", "mailto:"))]
    missing = [link for link in local if not (page.parent / link).exists()]
    assert not missing


def test_every_folder_is_in_the_table():
    package = ROOT / "miniscope_nwb"
    names = [f"{path.name}/" for path in package.iterdir() if (path / "__init__.py").exists()]
    names += [path.name for path in package.glob("*.py") if not path.name.startswith("_")]
    table = "\n".join(line for line in text_of("CONTRIBUTING.md").splitlines() if line[:1] == "|")
    assert not [name for name in names if f"`{name}`" not in table]


@pytest.fixture(scope="module")
def helps():
    """What every command says of itself."""
    code = (
        "import sys\n"
        "from miniscope_nwb.cli.main import run\n"
        "for name in sys.argv[1:]:\n"
        "    print('#', name)\n"
        "    run([name, '--help'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *COMMANDS], capture_output=True, text=True, check=True
    )
    parts = re.split(r"^# (\S+)\n", done.stdout, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_have_the_options_that_the_pages_give_them(page, helps):
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    wrong = []
    for line in re.findall(r"miniscope-nwb +([a-z]+[^`#\n]*)", text):
        command, _, rest = line.partition(" ")
        if command not in helps:
            continue
        known = set(re.findall(r"-{1,2}[A-Za-z][A-Za-z-]*", helps[command]))
        given = set(re.findall(r"(?<!\S)-{1,2}[A-Za-z][A-Za-z-]*", rest))
        wrong += [f"{command} {option}" for option in sorted(given - known)]
    assert not wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_parameters_that_the_pages_name_exist(page):
    sections = {
        name: type(getattr(Parameters(), name)).model_fields
        for name in Parameters.model_fields
        if name != "caiman"
    }
    named = re.findall(
        rf"`(?:-p )?({'|'.join(sections)})\.([a-z0-9_]+)(?:=[^`]*)?`", page.read_text("utf-8")
    )
    assert not [
        f"{section}.{key}"
        for section, key in named
        if key not in sections[section] and key != "py"  # a module of that name
    ]
