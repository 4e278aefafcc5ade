"""The pages tell the truth: their code runs, what they name exists."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

sys.path.insert(0, str(Path(__file__).parent / "nwb"))
import made_runs as made

from miniscope_nwb.convert.readers.base import Reader
from miniscope_nwb.engines.base import Engine, Task
from miniscope_nwb.engines.registry import GROUP as ENGINES
from miniscope_nwb.nwb.processed.write import write_run
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
    "validate", "split", "join", "methods", "share", "share check", "share upload", "share verify",
    "share dandiset", "simulate", "demo", "doctor",
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


def test_reading_example_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    (code,) = [code for code in blocks("README.md", "python") if "import miniscope_nwb" in code]
    (name,) = re.findall(r'miniscope_nwb\.open\("([^"]+)"\)', code)
    path = tmp_path / name
    path.parent.mkdir()
    made.raw_file(path)
    write_run(path, made.make_run(path), movie=made.corrected_movie())
    monkeypatch.chdir(tmp_path)
    found: dict = {}
    exec(compile(code, "README.md", "exec"), found)
    n_good = len(found["good"])
    assert found["activity"].shape == found["dff"].shape == (n_good, made.N)
    assert found["masks"].shape == (n_good, made.HEIGHT, made.WIDTH)
    assert found["raw"].shape == found["corrected"].shape == (made.HEIGHT, made.WIDTH)
    assert capsys.readouterr().out


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
        "    run([*name.split(), '--help'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *COMMANDS], capture_output=True, text=True, check=True
    )
    parts = re.split(r"^# ([a-z ]+)\n", done.stdout, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_have_the_options_that_the_pages_give_them(page, helps):
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    wrong = []
    for line in re.findall(r"miniscope-nwb +([a-z]+[^`#\n]*)", text):
        command = max(
            (name for name in helps if f"{line} ".startswith(f"{name} ")), key=len, default=""
        )
        rest = line.removeprefix(command)
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


def test_defaults_that_the_page_on_processing_gives_are_those_of_the_parameters():
    text, defaults = text_of("docs/processing.md"), Parameters()
    quality, extract = defaults.quality, defaults.extract
    said = [
        f"at least {quality.min_snr:g} |",
        f"at least {quality.min_event_correlation:g} |",
        f"at least {quality.least_r_value:g}; {quality.min_lone_r_value:g} |",
        f"| {quality.min_relative_area:g} to {quality.max_relative_area:g} |",
        f"at most {quality.max_event_area:g} |",
        f"(by more than {quality.soft_edge:g} radii)",
        f"event image at least {quality.soft_event_correlation:g}, "
        f"area at most {quality.soft_relative_area:g}, "
        f"lit area at most {quality.soft_event_area:g}",
        f"at most {quality.max_motion_correlation:g} |",
        f"above {quality.event_confirm:g}, reaching {quality.event_enter:g}, "
        f"for at least {quality.event_min_s:g} s",
        f"running {defaults.traces.f0_percentile:g}th percentile "
        f"(windows of {defaults.traces.f0_window_s:g} s)",
        f"up to {defaults.motion.n_template_frames} frames",
        f"more than {defaults.motion.piecewise_threshold_px:g} px (RMS)",
        f"up to {defaults.images.n_sample_frames} frames",
    ]
    assert not [words for words in said if words not in text]
    assert (extract.n_rounds, extract.n_background, quality.use_cnn) == (2, 0, False)
    prepare = defaults.preprocess
    assert (prepare.remove_glow, prepare.detrend, prepare.normalise) == (False, "none", "none")


def test_numbers_of_the_page_on_processing_are_those_of_the_code():
    from miniscope_nwb.correct import quality, settings
    from miniscope_nwb.engines.caiman import find, parameters
    from miniscope_nwb.extract import plan, ring, weeding
    from miniscope_nwb.prepare import size, torn

    text = text_of("docs/processing.md")
    block = settings.DEFAULT_BLOCK_PX + settings.DEFAULT_OVERLAP_PX
    said = [
        f"less than {torn._JUMP_PX:g} px",
        f"at least {size.NARROWEST_PX} px wide",
        f"{size.USUAL_SOMA_UM:g} um ({size.USUAL_SOMA_PX:g} px",
        f"({block} px, {settings.DEFAULT_OVERLAP_PX} of them shared",
        f"is {settings.DEFAULT_SHIFT_UM:g} um",
        f"below {quality.OUTLIER_SHARE:g} of the median",
        f"never below {plan.MIN_CORR:g} and {plan.MIN_PNR:g}",
        f"ring of {plan.RING_DIAMETERS:g} soma diameters",
        f"from {ring.N_FRAMES} frames",
        f"AR(1) up to {plan.AR1_UP_TO_HZ:g} frames/s",
        f"less than {weeding.MIN_JUMP:g} times the noise",
        f"CaImAn {find.OLDEST} or later",
        f"`min_corr` {parameters.MIN_CORR:g} and `min_pnr` {parameters.MIN_PNR:g}",
        f"SNR {parameters.MIN_SNR:g} and r-value {parameters.MIN_R_VALUE:g}",
    ]
    assert not [words for words in said if words not in text]


def test_environment_asks_for_what_the_package_asks_for():
    """Its pip line installs without dependencies, so that nothing may be missing in it."""
    asked = tomllib.loads(text_of("pyproject.toml"))["project"]["dependencies"]
    wanted = {item.name: item for item in map(Requirement, asked)}
    listed = yaml.safe_load(text_of("environment.yml"))["dependencies"]
    lines = [line for line in listed if isinstance(line, str)]
    lines += next(part["pip"] for part in listed if isinstance(part, dict))
    found = {item.name.lower(): item for item in map(Requirement, lines)}
    found["isal"] = found["python-isal"]
    # CaImAn brings numpy and OpenCV, conda's Python the time zones.
    brought = {"numpy", "opencv-python-headless", "tzdata"}
    assert {name.lower() for name in wanted} - brought <= set(found)
    for name in set(wanted) - brought:
        assert found[name.lower()].specifier == wanted[name].specifier, name
