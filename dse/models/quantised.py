"""int8 files made from trained ones, calibrated on a data set."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dse.models.derived import FORMATS, Derived, derive
from dse.models.quantise import Quantisation, need

if TYPE_CHECKING:
    from collections.abc import Callable

    from dse.core.configuration import ModelFormat
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
    """

    def __init__(
        self,
        inner: Provider,
        calibration: Calibration | None,
        input_type: Callable[[Form], str] | None,
        noun: str,
    ) -> None:
        super().__init__(inner)
        self._calibration = calibration
        self._input_type = input_type
        self._noun = noun

    def precisions(self, model: str) -> tuple[str, ...]:
        """The precisions that can be had of a model."""
        own = () if self.obstacle(model, "int8", FORMATS) else ("int8",)
        return tuple(dict.fromkeys([*self._inner.precisions(model), *own]))

    def _concerns(self, model: str, precision: str, model_format: ModelFormat) -> bool:
        return precision == "int8" and self._inner.obstacle(model, "fp32", (model_format,)) is None

    def _hindrance(self, model: str, _precision: str, model_format: ModelFormat) -> str | None:
        dtype = self._input_type(self._form(model, model_format)) if self._input_type else "float32"
        if dtype != "float32":
            return f"int8 is made from fp32 files with float32 input, not {dtype}"
        if self._calibration is None:
            return f"int8 is calibrated on {self._noun}: give a --dataset"
        return need(model_format).obstacle

    def _form(self, model: str, model_format: ModelFormat) -> Form:
        return self._inner.form(model, "fp32", (model_format,))

    def _make(self, model: str, model_format: ModelFormat) -> Artefact:
        assert self._calibration is not None  # noqa: S101  # else there is a hindrance
        source = self._inner.artefact(model, "fp32", (model_format,))
        quantisation = Quantisation(model_format, source.form, self._calibration)
        path, sha256 = derive(
            "quantised",
            f"{model}.int8.{model_format}",
            source,
            quantisation.identity(),
            lambda: quantisation.of(source.path),
        )
        return replace(
            source,
            path=path,
            sha256=sha256,
            beside=(),
            weights=f"{source.weights}, int8 calibrated on {self._calibration.description}",
            # What others measured of an int8 file, they measured of another one.
            published=None,
            calibrated_on=self._calibration.count,
            made_from=source.made_from or source.path.name,
        )
