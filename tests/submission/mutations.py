"""What can be wrong with evidence: one change each, and the rule that it breaks."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.core.metrics import Scenario
from dse.loadgen.logs import ACCURACY, DETAIL, PREFIX
from dse.submission._logs import SUMMARY
from dse.tasks.image_classification.labels import LABELS_FILE
from tests.submission.evidence import GOLDEN, IMAGES, VALUES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.submission.copies import Copy


@dataclass(frozen=True)
class Mutation:
    """A change to a study that was complete.

    Attributes:
        study: its name in `tests.submission.conftest.NAMES`.
        rule: that it breaks.
        change: the change.
        words: that its message holds.
    """

    study: str
    rule: str
    change: Callable[[Copy], object]
    words: str = ""


def log(
    rule: str, mode: str = "performance", study: str = "single", words: str = "", **values: Any
) -> Mutation:
    return Mutation(study, rule, lambda copy: copy.log(mode, **values), words)


def seed(name: str, value: int | None, mode: str = "performance") -> Mutation:
    name = f"effective_{name}_rng_seed"
    return Mutation("single", "seeds", lambda copy: copy.log(mode, **{name: value}), name)


def percentile(name: str, value: int) -> Mutation:
    name = f"result_{name}_percentile_latency_ns"
    return Mutation(
        "server", "server-bound", lambda copy: copy.log("performance", **{name: value}), name
    )


def detail(rule: str, mode: str, words: str = "", **details: Any) -> Mutation:
    return Mutation("single", rule, lambda copy: copy.measurement(mode, details=details), words)


def told(rule: str, mode: str, change: Callable[[dict[str, Any]], object]) -> Mutation:
    return Mutation("single", rule, lambda copy: copy.spec(mode, change))


def responses(rule: str, change: Callable[[list[dict[str, Any]]], object], words: str) -> Mutation:
    return Mutation("single", rule, lambda copy: copy.responses(change), words)


def gone(mode: str, name: str) -> Mutation:
    return Mutation("single", "complete-logs", lambda copy: (copy.run(mode) / name).unlink(), name)


def cut(mode: str, name: str) -> Mutation:
    def change(copy: Copy) -> None:
        file = copy.run(mode) / name
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])

    return Mutation("single", "complete-logs", change, "")


def _last(all_of_them: list[dict[str, Any]], **changes: Any) -> None:
    all_of_them[-1] |= changes


def _error(copy: Copy) -> None:
    """A line that LoadGen marks as an error, although it counts none."""
    file = copy.logs() / DETAIL
    *lines, last = file.read_text().splitlines()
    entry = json.loads(last.removeprefix(PREFIX))
    entry |= {"key": "error_runtime", "value": "Something went wrong."}
    entry["metadata"] |= {"is_error": True}
    file.write_text("\n".join([*lines, PREFIX + json.dumps(entry), last]) + "\n")


def _other_run(copy: Copy) -> None:
    """Somebody else's valid log in the place of this run's."""
    golden = GOLDEN / "Offline" / "performance"
    (copy.logs() / DETAIL).write_bytes(gzip.decompress((golden / f"{DETAIL}.gz").read_bytes()))
    (copy.logs() / SUMMARY).write_bytes((golden / SUMMARY).read_bytes())


def _other_summary(copy: Copy) -> None:
    golden = GOLDEN / "Offline" / "performance" / SUMMARY
    (copy.logs() / SUMMARY).write_bytes(golden.read_bytes())


def _invalid(copy: Copy) -> None:
    file = copy.logs() / SUMMARY
    file.write_text(file.read_text().replace("Result is : VALID", "Result is : INVALID"))


def _smaller_data_set(copy: Copy) -> None:
    """An accuracy run over one image less, in every respect."""
    copy.responses(lambda data: data.pop())
    copy.log("accuracy", effective_accuracy_sample_count=IMAGES - 1)


def _no_labels(copy: Copy) -> None:
    (copy.logs("accuracy").parent / LABELS_FILE).unlink()


def _bad_labels(copy: Copy) -> None:
    file = copy.logs("accuracy").parent / LABELS_FILE
    file.unlink()  # it may be a hard link
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)


def _few_labels(copy: Copy) -> None:
    file = copy.logs("accuracy").parent / LABELS_FILE
    file.unlink()
    np.save(file, np.zeros(10, np.int64))


def _noise(copy: Copy) -> None:
    (copy.logs("accuracy") / ACCURACY).write_text("[")


MUTATIONS = {
    "INVALID": log("validity", result_validity="INVALID"),
    "no verdict": log("validity", result_validity=None),
    "duration not met": log("validity", result_min_duration_met=False),
    "queries not met": log("validity", result_min_queries_met=False),
    "INVALID by early stopping": log(
        "early-stopping", result_validity="INVALID", early_stopping_met=False
    ),
    "VALID without early stopping": log("early-stopping", early_stopping_met=False),
    "VALID without a word of early stopping": log("early-stopping", early_stopping_met=None),
    "early stopping": log("early-stopping", early_stopping_met=False),
    "no word of early stopping": log("early-stopping", early_stopping_met=None),
    "an error": Mutation("single", "no-errors", _error, "Something went wrong."),
    "errors counted": log("no-errors", num_errors=2, words="2 errors"),
    "qsl seed": seed("qsl", 0),
    "sample index seed": seed("sample_index", 1),
    "schedule seed": seed("schedule", None),
    "seed of the accuracy run": seed("qsl", 0, "accuracy"),
    "min duration": log("min-duration", effective_min_duration_ms=599_999),
    "min duration of the accuracy run": log(
        "min-duration", "accuracy", effective_min_duration_ms=10_000
    ),
    "no min duration": log("complete-logs", effective_min_duration_ms=None),
    "max duration": log("no-maximum", effective_max_duration_ms=700_000),
    "max queries": log("no-maximum", effective_max_query_count=10**7),
    "performance samples": log("performance-samples", effective_performance_sample_count=1023),
    "reported samples": log("performance-samples", qsl_reported_performance_count=500),
    "too few queries": log("queries", result_query_count=63),
    "Offline samples": log("queries", study="offline", effective_min_sample_count=24_575),
    "Server p99": percentile("99.00", 15_000_001),
    "Server bound": log("server-bound", study="server", effective_target_latency_ns=20_000_000),
    "scenario": log("scenario", effective_scenario="Offline"),
    "scenario of the accuracy run": log("scenario", "accuracy", effective_scenario="Server"),
    "log of another run": Mutation("single", "scenario", _other_run),
    "test mode": log("test-mode", effective_test_mode="FindPeakPerformance"),
    "mode of the accuracy run": log(
        "complete-logs", "accuracy", effective_test_mode="SubmissionRun"
    ),
    "another LoadGen": log("loadgen", "accuracy", loadgen_version="6.0.16 @ 0123456789"),
    "value": Mutation("single", "value", lambda copy: copy.measurement("performance", value=0.5)),
    "p90 in the place of the estimate": log("value", early_stopping_latency_ss=557_932),
    "no value": log("complete-logs", early_stopping_latency_ss=None),
    "value that is none": log("complete-logs", early_stopping_latency_ss="fast"),
    "49,999 samples": Mutation("single", "accuracy-samples", _smaller_data_set, "49999"),
    "missing sample": responses("accuracy-log", lambda data: data.pop(7), "log: 1 sample"),
    "no samples": responses("accuracy-log", lambda data: data.clear(), "50,000 samples"),
    "sample of no image": responses(
        "accuracy-log", lambda d: _last(d, qsl_idx=IMAGES), "log: 2 samples"
    ),
    "sample twice": responses("accuracy-log", lambda d: _last(d, qsl_idx=0), "log: 1 sample"),
    "label 1000": responses(
        "accuracy-log", lambda d: _last(d, data="E803000000000000"), "log: 1 label"
    ),
    "label -1": responses("accuracy-log", lambda d: _last(d, data="F" * 16), "log: 1 label"),
    "label of four bytes": responses(
        "complete-logs", lambda d: _last(d, data="00000000"), "4 bytes"
    ),
    "other prediction": responses(
        "accuracy-value", lambda d: d[0].update(data="0102000000000000"), "the log 37.61"
    ),
    "accuracy value": Mutation(
        "single", "accuracy-value", lambda copy: copy.measurement("accuracy", value=70.4)
    ),
    "labels are gone": Mutation("single", "accuracy-value", _no_labels, "No such file"),
    "labels are a pickle": Mutation("single", "accuracy-value", _bad_labels, "allow_pickle"),
    "too few labels": Mutation("single", "accuracy-value", _few_labels, "the data set has 10"),
    "accuracy log is no JSON": Mutation("single", "complete-logs", _noise),
    "model hash": detail("model-hash", "accuracy", "different", model_sha256="00" * 32),
    "no model hash": detail("model-hash", "performance", model_sha256=""),
    "no model file": detail("model-hash", "performance", model_file=""),
    "data set": detail("data-set", "accuracy", "different", dataset="00" * 32),
    "configuration in the spec": told(
        "configuration", "performance", lambda spec: spec["configuration"].update(threads=2)
    ),
    "knob in the spec": told(
        "configuration", "accuracy", lambda spec: spec["configuration"].update(xnnpack=False)
    ),
    "no official run": told("official", "performance", lambda spec: spec.update(official=None)),
    "target in the spec": told(
        "user-conf", "performance", lambda spec: spec["official"].update(target=0.5)
    ),
    "user.conf": Mutation(
        "single",
        "user-conf",
        lambda copy: (copy.run() / "user.conf").write_text("*.SingleStream.min_duration = 1\n"),
    ),
    "user.conf is gone": gone("performance", "user.conf"),
    "spec is gone": gone("accuracy", "spec.json"),
    "detail log is gone": gone("performance", f"performance/{DETAIL}"),
    "accuracy log is gone": gone("accuracy", f"accuracy/{ACCURACY}"),
    "summary is gone": gone("performance", f"performance/{SUMMARY}"),
    "summary of the accuracy run is gone": gone("accuracy", f"accuracy/{SUMMARY}"),
    "summary of an INVALID run": Mutation("single", "complete-logs", _invalid, "the summary is"),
    "summary of another scenario": Mutation("single", "complete-logs", _other_summary),
    "detail log cut short": cut("performance", f"performance/{DETAIL}"),
    "detail log of the accuracy run cut short": cut("accuracy", f"accuracy/{DETAIL}"),
    "accuracy log cut short": cut("accuracy", f"accuracy/{ACCURACY}"),
    "spec cut short": cut("performance", "spec.json"),
    "spec of another shape": told("complete-logs", "accuracy", lambda spec: spec.clear()),
    "settings of another shape": told(
        "complete-logs", "accuracy", lambda spec: spec.update(settings=[])
    ),
    "published accuracy": Mutation(
        "single",
        "accuracy-measured",
        lambda copy: copy.measurement("accuracy", source="published"),
    ),
    "builtin models": Mutation("single", "trained", lambda copy: copy.about(models="builtin")),
    "rehearsal": Mutation(
        "single",
        "performance-run",
        lambda copy: copy.measurement("performance", fidelity="rehearsal"),
        "`dse validate single --points 0 --scenario SingleStream` supplies",
    ),
    "rehearsed accuracy": Mutation(
        "single", "accuracy-run", lambda copy: copy.measurement("accuracy", fidelity="rehearsal")
    ),
    "accuracy run of another point": detail("accuracy-run", "accuracy", timed_key="0" * 16),
    "accuracy run of another scenario": detail("accuracy-run", "accuracy", scenario="Offline"),
}


def _slower(test: str, factor: float) -> Callable[[Copy], object]:
    """A compliance run of SingleStream that took longer, in its log and in the study."""

    def change(copy: Copy) -> None:
        value = VALUES[Scenario.SINGLE_STREAM] * factor
        copy.log(test, early_stopping_latency_ss=round(1e6 * value))
        copy.measurement(test, value=round(1e6 * value) / 1e6)

    return change


def _label_999(entries: list[dict[str, Any]]) -> None:
    for entry in entries:
        entry["data"] = "E703000000000000"


CLOSED_MUTATIONS = {
    "no compliance run": Mutation(
        "closed",
        "compliance-run",
        lambda copy: copy.measurement("TEST04", fidelity="rehearsal"),
        "there is no TEST04 run of this configuration; `dse validate closed --points 0 --division "
        "closed --scenario SingleStream` supplies",
    ),
    "a performance run that did not return its answers": Mutation(
        "closed",
        "performance-run",
        lambda copy: copy.measurement("performance", details={"closed": None}),
        "no valid performance run of the closed division",
    ),
    "settings of a compliance run": log(
        "audit-settings",
        "TEST01",
        "closed",
        "effective_accuracy_log_sampling_target is 10, not 4096",
        effective_accuracy_log_sampling_target=10,
    ),
    "a slower compliance run": Mutation(
        "closed", "compliance-performance", _slower("TEST01", 1.2), "allowed at least 0.502355 and"
    ),
    "faster where one sample is asked for again": Mutation(
        "closed", "compliance-performance", _slower("TEST04", 0.8), "allowed at least 0.465143"
    ),
    "other answers": Mutation(
        "closed",
        "compliance-answers",
        lambda copy: copy.responses(_label_999, "TEST01"),
        "TEST01 does not pass: answers logged: 2000",
    ),
    "a compliance run by another LoadGen": log(
        "loadgen", "TEST04", "closed", loadgen_version="6.0.16 @ 0123456789"
    ),
    "a compliance run that is too short": log(
        "min-duration", "TEST01", "closed", effective_min_duration_ms=10_000
    ),
    "below the target": Mutation(
        "closed",
        "quality-target",
        lambda copy: replace(copy, scenario="Offline").measurement("accuracy", value=36.9),
        "its top-1 accuracy is 36.900 %, not 37.000",
    ),
    "calibrated by other images": Mutation(
        "closed",
        "calibration",
        lambda copy: replace(copy, scenario="Offline").measurement(
            "accuracy", details={"calibrated_on": 500}
        ),
        "not by MLPerf's list",
    ),
}
"""What can be wrong in the closed division: of SingleStream, if nothing else is said."""
