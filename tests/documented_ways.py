"""How each command of README and docs is run by `tests.test_docs_commands`."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["explored", "with images", "valid"]
"""Of study: of the null backend; the same over a data set; with valid runs of ten minutes."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a command is run: as it stands, if nothing is said.

    Attributes:
        why: the reason for running another one, or none.
        more: options that are added.
        instead: the words that are run in the place of the command. Those in braces stand for
            what a test has at hand: ``{root}`` the project, ``{here}`` the working folder,
            ``{venv}`` an environment, ``{mirror}`` a server of published files.
        skip: whether none is run; only its options are checked.
        studies: the studies that have to be there, by name.
        code: the exit code.
        exact: whether the output is the one shown.
    """

    why: str = ""
    more: str = ""
    instead: str = ""
    skip: bool = False
    studies: Mapping[str, Kind] = field(default_factory=dict)
    code: int = 0
    exact: bool = False


class Words(TypedDict, total=False):
    """What several ways have in common."""

    why: str
    more: str
    instead: str


def _explored(name: str, **more: Unpack[Words]) -> Way:
    return Way(studies={name: "explored"}, **more)


def _unfit(name: str) -> Way:
    """The study has one small model, of which no point fits, or whose file has no size."""
    return Way(studies={name: "explored"}, code=1)


def _valid(name: str, **more: Unpack[Words]) -> Way:
    return Way(studies={name: "valid"}, **more)


def _untold(name: str) -> Way:
    """Nothing tells of the system that the study was measured on."""
    return Way(studies={name: "valid"}, code=1)


def _with_images(name: str, more: str = "") -> Way:
    why = "is of few images; a run takes ten minutes"
    return Way(studies={name: "with images"}, why=why if more else "", more=more)


_ONE = "--n-trials 1 --settle 0"
_LONG: Words = {"why": "takes minutes or hours", "more": _ONE}
# The first of the grid is of the smallest model.
_FIRST: Words = {"why": "takes hours", "more": f"{_ONE} --sampler grid"}
_BRIEF: Words = {"why": "runs for seconds", "more": "--duration 0.02s"}
_FEW = "a space of the one model that was fetched, in the place of 81"
_SHORT: Words = {"why": "takes ten minutes a run", "more": "--rehearsal"}
_SCRIPTS = "MLPerf's checkers are not at hand: scripts that pass lie in their place"
_BUNDLES = Way(why="needs bundles of several machines", skip=True)
_FULL = Way(why="takes ten minutes a run, and MLPerf's checkers", skip=True)
_INDEX = Way(why="needs a package index", skip=True)
_HALF_A_GIGABYTE = Way(why="installs half a gigabyte", skip=True)
_EXPORT = "--submitter ORG --output submission"
_INPUTS = "--models MODELS --dataset IMAGES"
_ONE_POINT = "the study has one point"
_NO_REFERENCE = Way(
    why="needs a study of every scenario; tests/submission/test_official_checkers.py has one",
    skip=True,
)
_SPARSE = shlex.quote("model == 'bert-base' or '-sparse90' in model")
_CHOSEN = shlex.quote("backend == 'litert' and threads <= 2")

_HEAD = "tls://head:8786 --certificates fleet-certificates"
WAYS: Mapping[str, Way] = {
    "make bench-peers": Way(
        why="would install torch, and search for minutes",
        instead="make -C {root} --dry-run bench-peers VENV={venv}",
    ),
    "make explore": Way(
        why="would make an environment, and measure for minutes",
        instead="make -C {root} explore VENV={venv} SPACE={here}/my-space.yaml STUDY={here}/made",
    ),
    "make test": Way(
        why="would run this test again", instead="make -C {root} --dry-run test VENV={venv}"
    ),
    "pip install '.[all]'": _INDEX,
    "pip install '.[onnxruntime,builtin]'": _INDEX,
    "pip install 'mlperf-dse[onnxruntime,builtin,postgresql]'": _INDEX,
    "pip install 'mlperf-dse[fleet]'": _INDEX,
    "pip install 'mlperf-dse[serve]'": _INDEX,
    **{
        text: Way(why="serves until it is stopped; tests/cli/test_serve.py runs it", skip=True)
        for text in (
            "dse serve",
            "dse serve --models MODELS --dataset IMAGES",
            "dse serve --allow-host localhost:9000",
            "dse serve --socket dse.sock",
            "dse serve --host 0.0.0.0 --certificate server.pem --key server-key.pem",
            "dse serve --read-only",
        )
    },
    "dse fleet certificates fleet-certificates": Way(),
    **{
        text: Way(why="needs a fleet; tests/fleet has one", skip=True)
        for text in (
            "dse fleet explore quickstart --local 2",
            "dse fleet compare quickstart",
            "dse fleet scheduler --host head --certificates fleet-certificates",
            f"dse fleet node {_HEAD}",
            f"dse fleet explore quickstart --scheduler {_HEAD}",
            "dse fleet status quickstart",
            "dse fleet frontier quickstart",
        )
    },
    "dse explore quickstart --study shared --storage postgresql://dse@server/dse": Way(
        why="needs a server of databases", skip=True
    ),
    "dse validate qa --points 1": _FULL,
    "dse export qa --submitter Example --output submission --system system.yaml --points 1 "
    "--checker ../inference": _FULL,
    "dse bundle quickstart -o laptop.bundle": _explored("quickstart"),
    "dse merge laptop.bundle server.bundle": _BUNDLES,
    "dse compare quickstart@baf8a8e63d83 quickstart@4c1e20d97a55": _BUNDLES,
    "dse backends": Way(),
    "dse backends install deepsparse tflite-runtime ncnn": _HALF_A_GIGABYTE,
    "dse backends install pytorch executorch": _HALF_A_GIGABYTE,
    "dse backends install pytorch executorch tensorflow": _HALF_A_GIGABYTE,
    "dse backends install tensorflow": _HALF_A_GIGABYTE,
    "dse backends install onnxruntime-openvino": _HALF_A_GIGABYTE,
    "dse backends install deepsparse --python /opt/python3.11": _HALF_A_GIGABYTE,
    "dse backends install deepsparse --reinstall": _HALF_A_GIGABYTE,
    "dse system --check": Way(why="takes half a minute", more="--probes 1"),
    "dse system --check --drift --duration 3m": Way(why="takes minutes", skip=True),
    "dse models describe DIR": Way(why="the folder has a manifest", more="--output draft.yaml"),
    "dse models fetch --output models": Way(
        why="fetches 720 MB from far away",
        instead="dse models fetch mobilenet-v1-0.25-128 --output fetched --mirror {mirror}",
    ),
    "dse models fetch 'mobilenet-v3-*' --precision int8 --output models": Way(
        why="fetches from far away",
        instead="dse models fetch 'mobilenet-v3-*' --precision int8 --output fetched "
        "--mirror {mirror}",
    ),
    "dse models fetch resnet50-v1.5 --output reference": Way(
        why="fetches from far away",
        instead="dse models fetch resnet50-v1.5 --output reference --mirror {mirror}",
    ),
    "dse explore quickstart": Way(**_LONG),
    "dse explore quickstart --dry-run": Way(),
    "dse explore quickstart --env ONEDNN_MAX_CPU_ISA=AVX2": Way(**_LONG),
    "dse explore quickstart --warm-start v3.0": Way(
        why="takes minutes, and the table itself in the place of what was imported of it",
        instead=f"dse explore quickstart --warm-start results.csv {_ONE}",
    ),
    "dse explore mobilenets-efficientnets --timeout 2h": Way(**_FIRST),
    "dse explore mobilenets-efficientnets --models models": Way(
        why=_FEW, instead=f"dse explore fetched.yaml --models models {_ONE}"
    ),
    "dse explore resnet50 --models reference --dataset IMAGES": Way(
        why="a small model in the place of ResNet50",
        instead=f"dse explore fetched.yaml --models models --dataset IMAGES {_ONE}",
    ),
    "dse explore own-models --models DIR --dataset IMAGES": Way(**_FIRST),
    "dse explore int8 --models DIR --dataset IMAGES": Way(**_FIRST),
    "dse explore bert-quickstart": Way(**_FIRST),
    "dse explore bert": Way(why="hours of large models", skip=True),
    "dse explore bert --models reference --dataset SQUAD": Way(
        why="needs the fetched model and SQuAD", skip=True
    ),
    "dse models fetch bert-large --output reference": Way(
        why="tests/tasks/question_answering/test_catalogue.py fetches small ones", skip=True
    ),
    "dse explore my-space --models DIR --dataset SQUAD": Way(
        why="needs a model and questions; tests/tasks/question_answering explores some", skip=True
    ),
    "dse explore my-space.yaml --sampler nsga2 --n-trials 50": Way(),
    "dse explore space.yaml --study full --models MODELS --dataset IMAGES": Way(
        why="settles for a while", more="--settle 0"
    ),
    "dse explore bad.yaml": Way(code=2, exact=True),
    "dse validate my-study --dry-run": _with_images("my-study", f"{_INPUTS} --anyway"),
    "dse validate small --dry-run": _with_images("small", f"{_INPUTS} --anyway"),
    "dse validate small --rehearsal": _with_images("small", _INPUTS),
    "dse validate small": _with_images("small", f"{_INPUTS} --rehearsal"),
    f"dse validate small {_INPUTS} --points 1,5 --dry-run": Way(
        why=_ONE_POINT,
        instead=f"dse validate small {_INPUTS} --points 0 --dry-run",
        studies={"small": "with images"},
        code=1,
    ),
    f"dse validate small {_INPUTS} --points 1,5 --rehearsal": Way(
        why=_ONE_POINT,
        instead=f"dse validate small {_INPUTS} --points 0 --rehearsal",
        studies={"small": "with images"},
    ),
    "dse validate stand-in --division closed --dry-run": _NO_REFERENCE,
    "dse validate quickstart": Way(studies={"quickstart": "explored"}, code=2),
    "dse validate sp --scenario SingleStream --scenario Offline --anyway": _explored(
        "sp", **_SHORT
    ),
    f"dse validate full {_INPUTS}": Way(studies={"full": "with images"}, **_SHORT),
    f"dse export my-study {_EXPORT} --dry-run": _untold("my-study"),
    f"dse export my-study {_EXPORT} --dry-run --where {_CHOSEN}": _untold("my-study"),
    "dse pick quickstart --max-latency 5ms --min-accuracy 70": _unfit("quickstart"),
    "dse pick quickstart --max-latency 0.1ms": _unfit("quickstart"),
    "dse pick quickstart --min-accuracy 75": _unfit("quickstart"),
    "dse pick quickstart --max-memory 512MiB --maximize throughput": _explored("quickstart"),
    "dse pick quickstart --min-accuracy best-2 --minimize size": _unfit("quickstart"),
    "dse show quickstart 11": _explored(
        "quickstart", why="it has fewer points", instead="dse show quickstart 0"
    ),
    "dse frontier quickstart --where 'latency_p90_ms < 15 and accuracy_percent > 70'": _explored(
        "quickstart"
    ),
    f"dse frontier bert --where {_SPARSE}": _explored("bert"),
    "dse frontier int8 --by precision": _explored("int8"),
    "dse frontier quickstart --facts facts.yaml --metric "
    "'samples_per_dollar = throughput_samples_per_s * 3600 / price_per_hour'": _explored(
        "quickstart"
    ),
    "dse frontier quickstart --metric "
    "'per_mib [1/s/MiB] = throughput_samples_per_s / peak_memory_mib' "
    "--objective per_mib:maximize": _explored("quickstart"),
    f"dse export small {_EXPORT} --dry-run": _untold("small"),
    f"dse export small {_EXPORT} --system system.yaml": _valid("small"),
    f"dse export small {_EXPORT} --system system.yaml --checker ../inference": _valid(
        "small", why=_SCRIPTS
    ),
    "dse export full --submitter Example --output submission --system system.yaml "
    "--checker ../inference": _valid("full", why=_SCRIPTS),
    f"dse export small {_EXPORT} --points 1,5 --preview --dry-run": Way(
        why=_ONE_POINT,
        instead=f"dse export small {_EXPORT} --points 0 --preview --dry-run",
        studies={"small": "valid"},
        code=1,
    ),
    f"dse export small {_EXPORT} --points 1,5 --preview --system system.yaml "
    "--checker ../inference": _valid(
        "small",
        why=f"{_ONE_POINT}; {_SCRIPTS}",
        instead=f"dse export small {_EXPORT} --points 0 --preview --system system.yaml "
        "--checker ../inference",
    ),
    f"dse export stand-in {_EXPORT} --division closed --preview --system system.yaml "
    "--checker ../inference": _NO_REFERENCE,
    "dse import results.csv --name v3.0": Way(),
    "dse compare v3.0": Way(
        why="the table itself in the place of what was imported of it",
        instead="dse compare results.csv",
    ),
    "dse compare bert.csv --accuracy 89.97 --by throughput_per_core": Way(),
    "dse compare families v3.0 --accuracy 70": Way(
        why="the table itself in the place of what was imported of it",
        instead="dse compare families results.csv --accuracy 40",
        studies={"families": "explored"},
    ),
    "dse compare quickstart v3.0 --facts facts.yaml": Way(
        why="the table itself in the place of what was imported of it",
        instead="dse compare quickstart results.csv --facts facts.yaml",
        studies={"quickstart": "explored"},
    ),
    "dse bench model.onnx": Way(**_BRIEF),
    "dse bench model.tflite --scenario SingleStream,Offline --batch-size 8": Way(**_BRIEF),
    "dse bench bert.onnx --dim sequence=384 --backend onnxruntime,openvino --threads 1,2": Way(
        why="runs for seconds, of each of the four",
        instead="dse bench bert.onnx --dim sequence=384 --backend onnxruntime --threads 1,2 "
        "--duration 0.02s",
    ),
    "dse bench decoder.onnx --input steps=20": Way(**_BRIEF),
    "dse bench hf:owner/repo/onnx/model.onnx@main --json": Way(
        why="needs the hub; tests/download/test_hub.py fetches from a stand-in of it", skip=True
    ),
    "optuna-dashboard sqlite:///studies/families/study.db": Way(
        why="serves until it is stopped; tests/study/test_dashboard.py runs it", skip=True
    ),
    "dse report families": _explored("families"),
    "dse report families --output /tmp/families": _explored(
        "families",
        why="writes beside this test",
        instead="dse report families --output {here}/elsewhere",
    ),
    "dse report families --where 'latency_p90_ms < 15' --metric "
    "'cost = 1000 / throughput_samples_per_s'": _explored("families"),
    "python -m benchmarks.search --table FILE ... --samplers random,tpe --seeds 20 "
    "--budgets 0.05,0.1": Way(
        why="a table of four rows is searched once",
        instead="python -m benchmarks.search --table {here}/table.csv --samplers random,tpe "
        "--seeds 1 --budgets 0.5",
    ),
}
