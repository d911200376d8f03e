"""Spaces for the tests: files, a catalogue of models, and all that Hypothesis may think of."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from dse.space.reading import space_from_dict

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import Configuration
    from dse.space.space import SearchSpace

OFFERS = ("alpha-1", "alpha-2", "beta-1", "beta-2", "gamma")


@dataclass
class Catalogue:
    """Models on offer, and obstacles by backend or by (model, precision, backend)."""

    names: tuple[str, ...] = OFFERS
    obstacles: dict[Any, str] = field(default_factory=dict)
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def models(self) -> tuple[str, ...]:
        return self.names

    def obstacle(self, model: str, precision: str, backend: str) -> str | None:
        triple = (model, precision, backend)
        self.asked.append(triple)
        return self.obstacles.get(backend) or self.obstacles.get(triple)

    def knob_obstacle(self, point: Configuration) -> str | None:
        found = (self.obstacles.get(knob) for knob in point.knobs)
        return next(filter(None, found), None)


def write(folder: Path, text: str) -> Path:
    path = folder / "space.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def space(**fields: Any) -> SearchSpace:
    """A small valid space, with some fields of a file in the place of its own."""
    small: dict[str, Any] = {"models": ["alpha-1"], "backends": ["onnxruntime"], "threads": [1]}
    return space_from_dict({**small, **fields})


def _some(values: list[Any], most: int = 3) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True)


@st.composite
def _knob(draw: st.DrawFn, values: list[Any], fields: dict[str, Any]) -> Any:
    chosen = draw(_some(values))
    if draw(st.booleans()):
        return chosen if len(chosen) > 1 or draw(st.booleans()) else chosen[0]
    conditions: dict[str, Any] = {"precision": _some(fields["precisions"])}
    conditions["batch_size"] = _some(fields["batch_sizes"])
    conditions["instances"] = _some(fields["instances"])
    conditions["pinned"] = _some(fields["pinned"])
    patterns = ["*"] if fields["models"] == "all" else fields["models"]
    models = [o for o in OFFERS if any(fnmatchcase(o, p) for p in patterns)]
    # A condition has to be one that some model of the space fulfils.
    known = [p for p in ("*", "alpha-*", "*-1", *OFFERS) if any(fnmatchcase(m, p) for m in models)]
    conditions["model"] = _some(known)
    if isinstance(fields["threads"], list):
        conditions["threads"] = _some(fields["threads"])
    names = draw(_some(sorted(conditions)))
    return {"values": chosen, "when": {name: draw(conditions[name]) for name in names}}


KNOBS: dict[str, dict[str, list[Any]]] = {
    "onnxruntime": {
        "graph_optimization": ["disable", "basic", "extended", "all"],
        "spinning": [True, False],
    },
    "litert": {"xnnpack": [True, False]},
    "null": {"delay_ms": [0, 0.5, 2], "fault": ["none", "raise", "hang"]},
    "replay": {"runtime": ["ort", "1e3", "no"]},
}


@st.composite
def descriptions(draw: st.DrawFn) -> dict[str, Any]:
    """What a file may hold: valid spaces of a few hundred configurations at most."""
    fields: dict[str, Any] = {
        "models": draw(st.just("all") | _some(["*", "alpha-*", "*-2", *OFFERS])),
        "precisions": draw(_some(["fp32", "fp16", "bf16", "int8"])),
        "threads": draw(st.just("auto") | _some([1, 2, 3, 4, 8])),
        "batch_sizes": draw(_some([1, 2, 8, 32])),
        "instances": draw(_some([1, 2, 4], 2)),
        "pinned": draw(_some([False, True])),
        "objectives": ["throughput_samples_per_s", *draw(st.sampled_from(METRICS))],
    }
    bounds = st.fixed_dictionaries({"min": st.floats(0, 10), "max": st.floats(10, 1e9)})
    fields["constraints"] = draw(st.dictionaries(st.just("latency_p90_ms"), bounds))
    backends: dict[str, Any] = {}
    for name in draw(_some(sorted(KNOBS))):
        knobs = draw(st.sets(st.sampled_from(sorted(KNOBS[name]))))
        backends[name] = {knob: draw(_knob(KNOBS[name][knob], fields)) for knob in sorted(knobs)}
    if "replay" in backends:
        backends["replay"]["table"] = draw(st.sampled_from(["x.csv", "../no", "010"]))
    fields["backends"] = {name: backends[name] or None for name in backends}
    return fields


METRICS: list[list[str]] = [[], ["latency_p90_ms"], ["latency_p90_ms", "accuracy_percent"]]
