"""What can run here, and what becomes of the rest: nothing is dropped without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dse.core.errors import RequestError
from dse.core.wording import wrap_words
from dse.space._enumeration import Parameter, size
from dse.space.plan import Excluded, Plan, exclusion_lines, parameter_values, resolve
from dse.space.reading import read_space, space_from_dict
from tests.space.spaces import OFFERS, Catalogue, descriptions, space, write

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import Configuration, KnobValue
    from dse.space.space import SearchSpace


def test_what_has_no_model_file_is_excluded_with_the_reason() -> None:
    both = space(models=["alpha-1", "alpha-2"], backends=["onnxruntime", "litert"], threads=[1, 2])
    plan = resolve(both, Catalogue(obstacles={"litert": "no tflite yet"}), 2, 2)
    assert {p.backend for p in plan.configurations} == {"onnxruntime"}
    assert plan.excluded == (
        Excluded("alpha-1", "fp32", "litert", "no tflite yet", 2),
        Excluded("alpha-2", "fp32", "litert", "no tflite yet", 2),
    )
    assert exclusion_lines(plan.excluded) == (
        "litert fp32, alpha-1, alpha-2: no tflite yet (4 configurations)",
    )


def test_threads_beyond_the_cpus_are_excluded_not_refused() -> None:
    plan = resolve(space(threads=[1, 2, 4, 8]), Catalogue(), 2, 2)
    assert [p.threads for p in plan.configurations] == [1, 2]
    reason = "4, 8 threads are more than the 2 CPUs available"
    assert plan.excluded == (Excluded("alpha-1", "fp32", "onnxruntime", reason, 2),)
    plan = resolve(space(threads={"start": 1, "stop": 9}), Catalogue(), 1, 1)
    assert plan.excluded[0].reason == (
        "2, 3, 4, 5 and more threads are more than the one CPU available"
    )


def test_automatic_threads_fit() -> None:
    plan = resolve(space(threads="auto"), Catalogue(), 6, 3)
    assert [p.threads for p in plan.configurations] == [1, 2, 3, 4]
    assert plan.excluded == ()


def test_a_precision_that_a_backend_does_not_run() -> None:
    plan = resolve(space(precisions=["fp32", "bf16"]), Catalogue(), 1, 1)
    assert plan.excluded == (
        Excluded("alpha-1", "bf16", "onnxruntime", "onnxruntime runs no bf16", 1),
    )


def test_a_named_model_that_is_not_on_offer() -> None:
    plan = resolve(space(models=["alpha-1", "alpha-3", "zeta"]), Catalogue(), 1, 1)
    assert [p.model for p in plan.configurations] == ["alpha-1"]
    reasons = {e.model: e.reason for e in plan.excluded}
    assert reasons["alpha-3"].startswith("no model of that name is on offer; did you mean 'alpha-")
    assert reasons["zeta"].startswith("no model of that name is on offer")


def test_backends_without_model_files_take_any_name_and_any_threads() -> None:
    catalogue = Catalogue()
    some = space(models=["alpha-*", "recorded"], backends=["null"], threads=[1, 64])
    plan = resolve(some, catalogue, 1, 1)
    assert {p.model for p in plan.configurations} == {"alpha-1", "alpha-2", "recorded"}
    assert {p.threads for p in plan.configurations} == {1, 64}
    assert plan.excluded == ()
    assert catalogue.asked == []
    mixed = resolve(space(models=["recorded"], backends=["null", "litert"]), catalogue, 1, 1)
    assert [p.backend for p in mixed.configurations] == ["null"]
    assert [e.backend for e in mixed.excluded] == ["litert"]


def test_patterns_choose_from_named_models_too() -> None:
    some = space(models=["recorded-1", "rec*"], backends=["null"])
    assert [p.model for p in resolve(some, Catalogue(), 1, 1).configurations] == ["recorded-1"]


def test_the_catalogue_is_asked_once_for_each_file() -> None:
    catalogue = Catalogue()
    resolve(space(threads=[1, 2], batch_sizes=[1, 2, 4]), catalogue, 2, 2)
    assert catalogue.asked == [("alpha-1", "fp32", "onnxruntime")]


def test_a_pattern_that_matches_nothing_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "backends: [litert]\nmodels:\n  - alpha-*\n  - omega-*\n")
    with pytest.raises(RequestError) as caught:
        resolve(read_space(path), Catalogue(), 1, 1)
    assert str(caught.value) == (
        f"{path}:4: models[1]: 'omega-*' matches no model; "
        "on offer are alpha-1, alpha-2, beta-1, beta-2, gamma"
    )


@pytest.mark.parametrize("models", ["all", "alpha-*"])
def test_no_models_at_all(tmp_path: Path, models: str) -> None:
    path = write(tmp_path, f"backends: [litert]\nmodels: {models}\n")
    with pytest.raises(RequestError, match="matches no model; there are none on offer") as caught:
        resolve(read_space(path), Catalogue(()), 1, 1)
    assert (caught.value.line, caught.value.field) == (2, "models")


def test_a_condition_on_models_that_match_nothing_is_refused(tmp_path: Path) -> None:
    text = "models: all\nbackends:\n  litert:\n    xnnpack:\n      values: true\n"
    path = write(tmp_path, f"{text}      when:\n        model: [gamma, omega]\n")
    with pytest.raises(RequestError, match="'omega' matches no model of the space") as caught:
        resolve(read_space(path), Catalogue(), 1, 1)
    assert caught.value.line == 7
    assert caught.value.field == "backends.litert.xnnpack.when.model[1]"


def test_where_nothing_can_run_all_reasons_are_told(tmp_path: Path) -> None:
    text = "models: [alpha-1, nameless]\nprecisions: [fp32, int8, fp16]\nbackends: [litert]\n"
    path = write(tmp_path, text)
    obstacles = dict.fromkeys([("alpha-1", p, "litert") for p in ("fp32", "int8")], "no tflite")
    obstacles["alpha-1", "fp16", "litert"] = "another reason"
    with pytest.raises(RequestError) as caught:
        resolve(read_space(path), Catalogue(obstacles=obstacles), 1, 1)
    error, remedy = caught.value, "change the space, or offer models"
    assert error.headline == f"{path}: nothing in this space can run here; {remedy}"
    assert error.details == (
        "litert, nameless: no model of that name is on offer (3 configurations)",
        "litert, alpha-1: no tflite (2 configurations)",
        "litert fp16, alpha-1: another reason (1 configuration)",
    )
    assert str(error) == (
        f"{path}: nothing in this space can run here: {'; '.join(error.details)}; {remedy}"
    )


def test_where_nothing_can_run_for_one_reason_it_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, "models: alpha-1\nprecisions: [fp32, int8]\nbackends: [litert]\n")
    with pytest.raises(RequestError, match="can run here: no tflite; change") as caught:
        resolve(read_space(path), Catalogue(obstacles={"litert": "no tflite"}), 1, 1)
    assert caught.value.details == ()


def test_a_space_that_is_too_large_here_is_refused() -> None:
    wide = space(models="all", threads={"start": 1, "stop": 500}, batch_sizes=list(range(1, 500)))
    with pytest.raises(RequestError, match="more than 1,000,000 configurations here"):
        resolve(wide, Catalogue(), 1, 1)


def test_parameters_have_only_what_occurs() -> None:
    some = space(
        models=["alpha-1", "nameless"],
        precisions=["fp32", "bf16"],
        threads=[1, 2, 8],
        backends={
            "litert": {"xnnpack": [True, False]},
            "onnxruntime": {"spinning": {"values": [False, True], "when": {"threads": [2]}}},
        },
    )
    plan = resolve(some, Catalogue(obstacles={"litert": "no tflite"}), 2, 2)
    assert plan.parameters == (
        Parameter("model", ("alpha-1",)),
        Parameter("precision", ("fp32",)),
        Parameter("backend", ("onnxruntime",)),
        Parameter("threads", (1, 2)),
        Parameter("batch_size", (1,)),
        Parameter("instances", (1,)),
        Parameter("pinned", (False,)),
        Parameter(
            "onnxruntime.spinning",
            (False, True),
            (("backend", ("onnxruntime",)), ("threads", (2,))),
        ),
    )


BF16 = space(
    models=["alpha-1", "alpha-2"],
    backends={"openvino": {"inference_precision": ["f32", "bf16"]}, "onnxruntime": {}},
)


@pytest.mark.parametrize("has", [["avx2", "f16c"], ["avx512f", "avx512_vnni"], ["bf16"], []])
def test_what_the_cpu_has_no_instructions_for_is_excluded(has: list[str]) -> None:
    """The second is a CPU on which OpenVINO emulates bf16; the third is one of Arm."""
    plan = resolve(BF16, Catalogue(), 1, 1, has)
    values = [dict(p.knobs).get("inference_precision") for p in plan.configurations]
    assert values == [None, "f32", None, "f32"]
    [line] = exclusion_lines(plan.excluded)
    assert line == (
        "openvino fp32, alpha-1, alpha-2: this CPU has no bf16 instructions "
        "(avx512_bf16, amx_bf16, avx_ne_convert) (2 configurations)"
    )
    [knob] = [p for p in plan.parameters if p.name == "openvino.inference_precision"]
    assert knob.choices == ("f32",)


@pytest.mark.parametrize("has", [["avx2", "avx512_bf16"], ["amx_bf16"], ["avx_ne_convert"], None])
def test_what_the_cpu_can_or_may_compute_is_planned(has: list[str] | None) -> None:
    plan = resolve(BF16, Catalogue(), 1, 1, has)
    values = [dict(p.knobs).get("inference_precision") for p in plan.configurations]
    assert values.count("bf16") == 2
    assert plan.excluded == ()


def test_a_space_tries_the_cpu_alone_unless_it_says_otherwise() -> None:
    plan = resolve(space(), Catalogue(), 1, 1)
    assert [point.device for point in plan.configurations] == ["cpu"]
    assert "device" not in {parameter.name for parameter in plan.parameters}
    assert "devices" not in space().as_dict()
    both = space(devices=["cpu", "cuda"])
    assert both.as_dict()["devices"] == ["cpu", "cuda"]
    assert space_from_dict(both.as_dict()) == both


def test_devices_are_a_dimension_where_there_are_several() -> None:
    only_cpu = {"values": [True, False], "when": {"device": "cpu"}}
    both = space(
        devices=["cpu", "cuda"], backends={"onnxruntime": {"arena": only_cpu}, "litert": {}}
    )
    plan = resolve(both, Catalogue(), 1, 1)
    found = {(point.backend, point.device, point.knobs) for point in plan.configurations}
    assert found == {
        ("litert", "cpu", ()),
        ("onnxruntime", "cpu", (("arena", True),)),
        ("onnxruntime", "cpu", (("arena", False),)),
        ("onnxruntime", "cuda", ()),
    }
    [line] = exclusion_lines(plan.excluded)
    assert line == "fp32, alpha-1: litert does not run on cuda (1 configuration)"
    [device] = [parameter for parameter in plan.parameters if parameter.name == "device"]
    assert device.choices == ("cpu", "cuda")
    for point in plan.configurations:
        assert plan.values(point)["device"] == point.device
        assert plan.configuration(plan.values(point)) == point


def test_a_condition_on_the_cpu_holds_where_nothing_else_is_tried() -> None:
    only_cpu = {"values": [True, False], "when": {"device": "cpu"}}
    plan = resolve(space(backends={"onnxruntime": {"arena": only_cpu}}), Catalogue(), 1, 1)
    assert [point.knobs for point in plan.configurations] == [
        (("arena", True),),
        (("arena", False),),
    ]
    for point in plan.configurations:
        assert plan.configuration(plan.values(point)) == point


def test_what_the_catalogue_says_of_a_device_counts() -> None:
    class Without(Catalogue):
        def knob_obstacle(self, point: Configuration) -> str | None:
            return "no GPU here" if point.device == "cuda" else super().knob_obstacle(point)

    plan = resolve(space(devices=["cpu", "cuda"]), Without(), 1, 1)
    assert [point.device for point in plan.configurations] == ["cpu"]
    [line] = exclusion_lines(plan.excluded)
    assert line == "onnxruntime fp32, alpha-1: no GPU here (1 configuration)"
    [device] = [parameter for parameter in plan.parameters if parameter.name == "device"]
    assert device.choices == ("cpu",)


def test_a_space_of_nothing_but_that_says_why() -> None:
    only = space(backends={"openvino": {"inference_precision": "bf16"}})
    with pytest.raises(RequestError, match="can run here: this CPU has no bf16 instructions"):
        resolve(only, Catalogue(), 1, 1, ["avx2"])


@settings(deadline=None)
@given(descriptions(), st.dictionaries(st.sampled_from(["litert", "onnxruntime"]), st.just("no")))
def test_nothing_is_lost(description: dict[str, Any], obstacles: dict[str, str]) -> None:
    read = space_from_dict(description)
    plan = planned(read, Catalogue(obstacles=obstacles))
    if plan is None:
        return
    lost = sum(entry.count for entry in plan.excluded)
    assert len(plan.configurations) + lost == size(read, OFFERS, 2, 2)
    assert all(entry.reason and entry.count > 0 for entry in plan.excluded)
    assert len(exclusion_lines(plan.excluded)) <= len(plan.excluded)
    choices = {p.name: set(p.choices) for p in plan.parameters}
    occurring: dict[str, set[KnobValue]] = {}
    for point in plan.configurations:
        assert plan.configuration(parameter_values(point)) == point
        for name, value in parameter_values(point).items():
            occurring.setdefault(name, set()).add(value)
    assert choices == occurring


def test_instances_beyond_the_cpus_are_set_aside() -> None:
    wide = space(threads=[1, 2], instances=[1, 2, 4])
    plan = resolve(wide, Catalogue(), 2, 2)
    kept = [(p.threads, p.instances) for p in plan.configurations]
    assert kept == [(1, 1), (1, 2), (2, 1)]
    [excluded] = plan.excluded
    assert excluded.reason == "instances x threads are more than the 2 CPUs available"
    assert excluded.count == 3


def planned(read: SearchSpace, catalogue: Catalogue) -> Plan | None:
    """The plan, or none where nothing can run."""
    try:
        return resolve(read, catalogue, 2, 2)
    except RequestError:
        return None


def test_inactive_values_do_not_count_and_missing_ones_do() -> None:
    knobs = {"litert": {"xnnpack": [True, False]}, "onnxruntime": {"spinning": [True, False]}}
    plan = resolve(space(backends=knobs), Catalogue(), 1, 1)
    values: dict[str, KnobValue] = {"model": "alpha-1", "precision": "fp32", "threads": 1}
    values |= {"batch_size": 1, "instances": 1, "pinned": False}
    values |= {"backend": "litert", "litert.xnnpack": False}
    values["onnxruntime.spinning"] = True
    assert plan.configuration(values).knobs == (("xnnpack", False),)
    with pytest.raises(KeyError, match=r"litert\.xnnpack"):
        plan.configuration({k: v for k, v in values.items() if k != "litert.xnnpack"})


OWN = "models.yaml has no {} file"


def lacking(models: str, precisions: str, reason: str, backends: str = "litert onnxruntime") -> Any:
    """What these models lack in these precisions, two configurations for each backend."""
    return [
        Excluded(model, precision, backend, reason.format(precision), 2)
        for model in models.split()
        for precision in precisions.split()
        for backend in backends.split()
    ]


@pytest.mark.parametrize(
    ("excluded", "lines"),
    [
        (lacking("a b", "fp16 bf16", OWN), ["a, b: models.yaml has no fp16 or bf16 file (16 …)"]),
        (
            [*lacking("a b", "fp16", OWN), *lacking("b", "bf16", OWN, "litert")],
            [
                "a, b: models.yaml has no fp16 file (8 …)",
                "litert, b: models.yaml has no bf16 file (2 …)",
            ],
        ),
        (
            lacking("a b c d", "fp32 int8", "4 threads are more than the 2 CPUs available"),
            ["4 threads are more than the 2 CPUs available (32 …)"],
        ),
        (lacking("a b c d", "int8", "no such file"), ["int8, 4 models: no such file (16 …)"]),
        (lacking("a", "bf16", "litert runs no {}", "litert"), ["a: litert runs no bf16 (2 …)"]),
        (lacking("a", "int8", "no such file", "litert"), ["litert int8, a: no such file (2 …)"]),
    ],
)
def test_one_reason_is_one_line(excluded: list[Excluded], lines: list[str]) -> None:
    told = [line.replace("configurations)", "…)") for line in exclusion_lines(excluded)]
    assert told == lines


def test_three_models_of_long_names_fit_a_terminal() -> None:
    names = " ".join(f"{letter * 90}-{number}" for number, letter in enumerate("abc"))
    [line] = exclusion_lines(lacking(names, "fp16 bf16", OWN))
    assert max(map(len, wrap_words(line, 80))) <= 80
    assert f"{'a' * 24}…{'a' * 13}-0, " in line
