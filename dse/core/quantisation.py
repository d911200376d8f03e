"""How an int8 file is made of a float32 one, as knobs of a search space.

The names are those of onnxruntime's quantisation tools where these have one.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from dse.core.backend import Knob

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.core.configuration import Configuration, KnobValue

Way = Literal["onnx", "onnx-products", "tflite"]
"""What is quantised: all of an ONNX file, nothing but its matrix products, all of a TFLite file."""

FP32_LAYERS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32)

KNOBS: tuple[Knob, ...] = (
    Knob(
        "quantizer",
        ("native", "nncf"),
        "native",
        "what makes the int8 file: the library of its format, or OpenVINO's nncf",
    ),
    Knob(
        "calibration",
        ("minmax", "entropy", "percentile"),
        "minmax",
        "how the range of an activation follows from its values on the calibration samples",
    ),
    Knob("activation_type", ("uint8", "int8"), "uint8", "the type of activations"),
    Knob("weight_type", ("int8", "uint8"), "int8", "the type of weights"),
    Knob(
        "weight_range",
        ("safe", "full", "reduced"),
        "safe",
        "scales with which no 16-bit sum saturates, all 8 bits, or 7 bits",
    ),
    Knob("per_channel", (True, False), True, "a scale for each output channel of the weights"),
    Knob(
        "fp32_layers",
        FP32_LAYERS,
        0,
        "the number of layers that stay in float32: those that cost the most accuracy",
    ),
)
"""Knobs of int8 files that are made here. They stand among those of each backend."""

NAMES = tuple(knob.name for knob in KNOBS)
CONDITION = ("precision", ("int8",))
"""The condition that all of them stand under."""


def method_knobs(configuration: Configuration) -> dict[str, KnobValue]:
    """The knobs of a configuration that say how its int8 file is made; none if it does not say."""
    return {name: value for name, value in configuration.knobs if name in NAMES}


def artefact_name(configuration: Configuration, model_format: str) -> str:
    """What a study notes the checksum of a model file under."""
    own = method_knobs(configuration).items()
    words = [configuration.model, configuration.precision, model_format]
    return " ".join([*words, *(f"{name}={value}" for name, value in own)])


def methods_alike(
    noted: Mapping[str, str], configuration: Configuration, model_format: str
) -> list[str]:
    """Other methods that came to the same file, each by what is not as in a configuration.

    Args:
        noted: what a study has noted of files, by the names that `artefact_name` gives.
        configuration: whose file it is.
        model_format: of the file.
    """
    own = artefact_name(configuration, model_format)
    plain = artefact_name(replace(configuration, knobs=()), model_format)
    words = set(own.removeprefix(plain).split())
    alike = [
        name
        for name, checksum in noted.items()
        if checksum == noted.get(own) and name != own and f"{name} ".startswith(f"{plain} ")
    ]
    others = (name.removeprefix(plain).split() for name in alike)
    changed = ([word for word in other if word not in words] for other in others)
    return [" ".join(other) or "no method named" for other in changed]


@dataclass(frozen=True, slots=True)
class Method:
    """How one int8 file is made; the values of `KNOBS`."""

    quantizer: str = "native"
    calibration: str = "minmax"
    activation_type: str = "uint8"
    weight_type: str = "int8"
    weight_range: str = "safe"
    per_channel: bool = True
    fp32_layers: int = 0

    @staticmethod
    def from_knobs(knobs: Mapping[str, KnobValue], way: Way) -> Method:
        """The method of these knobs; what they do not name is as it is usual for the way.

        Args:
            knobs: of a configuration, others among them.
            way: what is quantised.
        """
        own: dict[str, Any] = {name: knobs[name] for name in NAMES if name in knobs}
        return replace(usual(way), **own)

    def changes(self, way: Way) -> dict[str, KnobValue]:
        """What differs from the usual method, by the name of the knob."""
        standard = asdict(usual(way))
        return {name: value for name, value in asdict(self).items() if value != standard[name]}


def usual(way: Way) -> Method:
    """How files are made where nobody asks for a method."""
    return Method(activation_type="int8") if way == "tflite" else Method()


_EVERYTHING: Mapping[str, tuple[KnobValue, ...]] = {knob.name: knob.values for knob in KNOBS}
_BY_NNCF: Mapping[str, tuple[KnobValue, ...]] = {
    "weight_range": ("safe", "full"),
    "fp32_layers": FP32_LAYERS,
}
_TAKEN: Mapping[tuple[str, Way], Mapping[str, tuple[KnobValue, ...]]] = {
    ("native", "onnx"): _EVERYTHING,
    ("native", "onnx-products"): {**_EVERYTHING, "calibration": ("minmax", "percentile")},
    ("native", "tflite"): {
        "calibration": ("minmax",),
        "activation_type": ("int8",),
        "weight_type": ("int8",),
        "weight_range": ("safe", "full", "reduced"),
        "per_channel": (True, False),
        "fp32_layers": FP32_LAYERS,
    },
    ("nncf", "onnx"): _BY_NNCF,
    ("nncf", "onnx-products"): _BY_NNCF,
}
"""The values that a quantiser takes for a way; those that it lacks have the usual value only."""


def obstacle(method: Method, way: Way) -> str | None:
    """Why no file can be made by a method, in a few words; None if one can."""
    taken = _TAKEN.get((method.quantizer, way))
    if taken is None:
        return f"{method.quantizer} makes no int8 {_KIND[way]}"
    for name, value in method.changes(way).items():
        if name != "quantizer" and value not in taken.get(name, ()):
            maker = "" if method.quantizer == "native" else f" by {method.quantizer}"
            return f"int8 {_KIND[way]} is not made with {name}={value}{maker}"
    if method.weight_type == "uint8" and method.activation_type == "int8":
        return "weights of uint8 take activations of uint8"
    if method.weight_type == "uint8" and method.weight_range == "full":
        return "the same as weight_range=safe: unsigned weights have all 8 bits there"
    return None


_KIND: Mapping[Way, str] = {
    "onnx": "of ONNX files",
    "onnx-products": "of encoders",
    "tflite": "of TFLite files",
}
