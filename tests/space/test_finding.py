"""Spaces by path and by name, and the ones that come with the package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dse.core.errors import RequestError
from dse.space.finding import find_space, known_spaces
from dse.space.plan import exclusion_lines, resolve
from dse.space.reading import read_space
from tests.space.spaces import Catalogue, write

SHIPPED = (
    "bert",
    "bert-quickstart",
    "four-families",
    "int8",
    "mobilenets-efficientnets",
    "own-models",
    "quickstart",
    "quickstart-wide",
    "resnet50",
)
WIDTHS = {"v1": ("0.25", "0.5", "0.75", "1.0"), "v2": ("0.35", "0.5", "0.75", "1.0")}
NAMES = (
    *(f"mobilenet-{v}-{w}-{r}" for v in WIDTHS for w in WIDTHS[v] for r in (128, 160, 192, 224)),
    *(
        f"mobilenet-v3-{size}{form}"
        for size in ("large", "small")
        for form in ("", "-minimalistic")
    ),
    *(f"efficientnet-lite{i}" for i in range(5)),
    "resnet50-v1.5",
)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_space_is_found_by_its_path(elsewhere: Path) -> None:
    path = write(elsewhere, "x")
    assert find_space(str(path)) == path
    assert find_space("space.yaml") == Path("space.yaml")
    assert find_space("./space.yaml") == Path("space.yaml")


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("name", SHIPPED)
def test_a_space_of_the_package_is_found_by_its_name(name: str) -> None:
    path = find_space(name)
    assert path.is_absolute()
    assert path.name == f"{name}.yaml"
    assert read_space(path).file == path


def test_a_space_of_the_folder_goes_before_one_of_the_package(elsewhere: Path) -> None:
    (elsewhere / "search_spaces").mkdir()
    for name in ("quickstart.yaml", "mine.yml"):
        (elsewhere / "search_spaces" / name).write_text("x", encoding="utf-8")
    assert find_space("quickstart") == Path("search_spaces/quickstart.yaml")
    assert find_space("mine") == Path("search_spaces/mine.yml")
    assert list(known_spaces()) == sorted([*SHIPPED, "mine"])


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    "given", ["quickstat", "no/quickstat.yaml", "quickstat.yaml", ".", "", "x" * 5000, "a\0b"]
)
def test_a_space_that_is_not_there(given: str) -> None:
    with pytest.raises(RequestError) as caught:
        find_space(given)
    assert f"known are {', '.join(SHIPPED)}" in str(caught.value)
    assert ("did you mean 'quickstart'?" in str(caught.value)) == ("quickstat" in given)


def test_the_quickstart_is_quick() -> None:
    quick = read_space(find_space("quickstart"))
    plan = resolve(quick, Catalogue(NAMES), 2, 2)
    # At about 3 s each, within the 3 minutes that a first answer may take.
    assert 24 <= len(plan.configurations) <= 40
    assert {p.backend for p in plan.configurations} == {"onnxruntime", "litert"}
    assert plan.excluded == ()
    without = resolve(quick, Catalogue(NAMES, {"litert": "is not installed"}), 2, 2)
    assert exclusion_lines(without.excluded) == (
        "litert, 5 models: is not installed (20 configurations)",
    )
    assert len(quick.objectives) == 3


def test_the_published_sweep_has_every_variant() -> None:
    sweep = read_space(find_space("mobilenets-efficientnets"))
    plan = resolve(sweep, Catalogue(NAMES), 2, 2)
    pairs = {(p.model, p.precision) for p in plan.configurations}
    mobile = [name for name in NAMES if "resnet" not in name]
    assert len(mobile) == 41
    assert pairs == {(name, precision) for name in mobile for precision in ("fp32", "int8")}
    assert {p.backend for p in plan.configurations} == {
        *("onnxruntime", "litert", "openvino", "deepsparse", "tflite-runtime"),
        *("mnn", "ncnn", "pytorch", "executorch", "tensorflow"),
    }
    why, *others = exclusion_lines(plan.excluded)
    assert why.startswith("instances x threads are more than the 2 CPUs available (")
    for line, name in zip(others, ("mnn", "ncnn", "pytorch", "tensorflow"), strict=True):
        assert line.startswith(f"41 models: {name} runs no int8 (")


def test_resnet50_has_a_space_of_its_own() -> None:
    plan = resolve(read_space(find_space("resnet50")), Catalogue(NAMES), 2, 2)
    assert {(p.model, p.precision) for p in plan.configurations} == {
        ("resnet50-v1.5", "fp32"),
        ("resnet50-v1.5", "int8"),
    }


def test_own_models_take_what_there_is() -> None:
    own = read_space(find_space("own-models"))
    plan = resolve(own, Catalogue(("mine",)), 2, 2)
    assert {p.precision for p in plan.configurations} == {"fp32", "fp16", "int8"}


def test_reading_a_space_loads_nothing_heavy() -> None:
    code = (
        "import sys; from dse.space.finding import find_space;"
        "from dse.space.reading import read_space;"
        "read_space(find_space('quickstart'));"
        "heavy = {'optuna', 'pandas', 'matplotlib', 'numpy', 'onnxruntime', 'ai_edge_litert'};"
        "print(*sorted(heavy & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
