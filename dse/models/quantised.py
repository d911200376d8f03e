"""int8 files made from trained ones, calibrated on a data set."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from dse.core.errors import ModelError
from dse.core.quantisation import Method, obstacle
from dse.core.wording import format_count
from dse.models.derived import FORMATS, Derived, derive
from dse.models.quantise import NNCF, Quantisation, find_way, need

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dse.core.configuration import KnobValue, ModelFormat
    from dse.core.signature import Form
    from dse.models.calibration import Calibration
    from dse.models.provider import Artefact, Provider


class Quantised(Derived):
    """Offers each fp32 file in int8, too.

    Args:
        inner: has the files, with trained weights.
        calibration: samples to calibrate on. Without any nothing is made: ranges that noise
            reaches would clip what samples reach.
        input_type: the element type of an input of that form, by numpy's name, which must be
            float32; None where only products are quantised, which takes any input.
        noun: what a sample is, in the plural.
        knobs: of the method, see `by`.
    """

    def __init__(
        self,
        inner: Provider,
        calibration: Calibration | None,
        input_type: Callable[[Form], str] | None,
        noun: str,
        knobs: Mapping[str, KnobValue] | None = None,
    ) -> None:
        super().__init__(inner)
        self._calibration = calibration
        self._input_type = input_type
        self._noun = noun
        self._knobs = knobs or {}

    def by(self, knobs: Mapping[str, KnobValue]) -> Provider:
        """A provider of the same models whose int8 files are all made here, by one method.

        Args:
            knobs: of `dse.core.quantisation`; at least one.
        """
        return Quantised(self._inner, self._calibration, self._input_type, self._noun, knobs)

    def precisions(self, model: str) -> tuple[str, ...]:
        """The precisions that can be had of a model."""
        own = () if self.obstacle(model, "int8", FORMATS) else ("int8",)
        return tuple(dict.fromkeys([*self._inner.precisions(model), *own]))

    def _lack(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> str | None:
        """Where a method is asked for, a file that was made by an unknown one won't do."""
        if self._knobs and precision == "int8":
            return "int8 by a method is made from an fp32 file, which it has not got"
        return super()._lack(model, precision, formats)

    def _concerns(self, model: str, precision: str, model_format: ModelFormat) -> bool:
        return precision == "int8" and self._inner.obstacle(model, "fp32", (model_format,)) is None

    def _hindrance(self, model: str, _precision: str, model_format: ModelFormat) -> str | None:
        dtype = self._input_type(self._form(model, model_format)) if self._input_type else "float32"
        if dtype != "float32":
            return f"int8 is made from fp32 files with float32 input, not {dtype}"
        if self._calibration is None:
            return f"int8 is calibrated on {self._noun}: give a --dataset"
        way = find_way(model_format, self._calibration)
        method = Method.from_knobs(self._knobs, way)
        lacking = NNCF.obstacle if method.quantizer == "nncf" else None
        return obstacle(method, way) or need(model_format).obstacle or lacking

    def _form(self, model: str, model_format: ModelFormat) -> Form:
        return self._inner.form(model, "fp32", (model_format,))

    def _make(self, model: str, model_format: ModelFormat) -> Artefact:
        assert self._calibration is not None  # noqa: S101  # else there is a hindrance
        source = self._inner.artefact(model, "fp32", (model_format,))
        quantisation = Quantisation(model_format, source.form, self._calibration, self._knobs)
        kept, depends = _kept(model, source, quantisation)
        path, sha256 = derive(
            "quantised",
            f"{model}.int8.{model_format}",
            source,
            [*quantisation.identity(), *depends],
            lambda: quantisation.of(source.path, kept),
        )
        return replace(
            source,
            path=path,
            sha256=sha256,
            beside=(),
            weights=f"{source.weights}, {_describe(quantisation)}",
            # What others measured of an int8 file, they measured of another one.
            published=None,
            calibrated_on=self._calibration.count,
            made_from=source.made_from or source.path.name,
        )


def _kept(
    model: str, source: Artefact, quantisation: Quantisation
) -> tuple[list[str], tuple[str, ...]]:
    """The layers that stay in float32, which are ranked once for any number of them.

    Returns:
        Their names, and what the file depends on besides the number of them.

    Raises:
        ModelError: so many are asked for that the file would be that of a smaller number.
    """
    count = quantisation.method.fp32_layers
    if not count:
        return [], ()
    knobs = {name: one for name, one in quantisation.knobs.items() if name != "fp32_layers"}
    whole = replace(quantisation, knobs=knobs)
    name = f"{model}.{quantisation.model_format}.json"
    path, _ = derive("rankings", name, source, whole.identity(), lambda: whole.rank(source.path))
    names: list[str] = json.loads(path.read_bytes())
    if count > len(names):
        found = format_count(len(names), "layer") if names else "no layer"
        raise ModelError(
            f"{source.path.name} can't be quantised: fp32_layers={count}, but it has {found} that "
            "would gain accuracy in float32"
        )
    # Files with all of these in float32 may be of a version that did not look whether one is left.
    return names[:count], ("some in int8",) if count == len(names) else ()


def _describe(quantisation: Quantisation) -> str:
    """How a file was made, in words."""
    changes = quantisation.method.changes(quantisation.way)
    values = "".join(f", {name}={value}" for name, value in changes.items())
    return f"int8 calibrated on {quantisation.calibration.description}{values}"
