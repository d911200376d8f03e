"""The task of a model of any kind: its inputs are made up, so no answer is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from dse.core.errors import RequestError
from dse.core.signature import Signature
from dse.tasks.base import BaseTask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from dse.core.signature import Form

_PREPROCESSING: Mapping[str, Any] = {
    "resolution": 1,
    "layout": "NHWC",
    "dtype": "float32",
    "mean": (0.0, 0.0, 0.0),
    "scale": (1.0, 1.0, 1.0),
    "crop": 0.875,
    "interpolation": "bilinear",
    "label_offset": 0,
}
"""Part of every key since the first version, which knew image classifiers only."""


class Generated(BaseTask):
    """What `dse bench` runs: the form is the signature of the model's file."""

    name: ClassVar[str] = "generated"
    worker: ClassVar[str] = "dse.tasks.generated.worker:GeneratedWorker"
    plain_form: ClassVar[Form] = Signature((), batched=True).as_dict()
    title: ClassVar[str] = "generated inputs"

    def provider(self, _folder: Path | None) -> NoReturn:
        """Refused: the model is the one file that `dse bench` is given."""
        problem = f"the task {self.name} is not one of search spaces"
        raise RequestError(problem, field="task", remedy="measure a file with `dse bench`")

    def identity(self, form: Form) -> Mapping[str, Any]:
        """The signature, beside what keys have had since the first version."""
        return {"preprocessing": _PREPROCESSING, "signature": dict(form)}

    def signature(self, form: Form) -> Signature:
        """The form itself."""
        return Signature.from_dict(form)

    def sample_bytes(self, form: Form) -> int:
        """The memory that the inputs of one sample take."""
        return Signature.from_dict(form).sample_bytes
