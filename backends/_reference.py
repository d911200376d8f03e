"""What a converted model answers, held against ONNX Runtime's answers to the same file.

The converters of MNN and ncnn give operators another meaning now and then, and the outputs have the
right sizes all the same. So a conversion answers two made-up samples once, in a process of its own
beside ONNX Runtime, and what came of that is kept as conversions are.
"""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from dse.core.backend import LoadError, LoadRequest, Refusing, UnsupportedError
from dse.core.configuration import Configuration
from dse.core.launcher import launch_command
from dse.core.registry import backend
from dse.core.signature import DTYPE_BYTES, Input, Signature

from ._converted import convert

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from dse.core.generated_inputs import GeneratedInputs
    from dse.formats.interface import Interface

REFERENCE = "onnxruntime"
RESULT = "answers.json"
MOST_APART = 0.05
"""Of two answers to the same samples, in standard deviations of all of them. Sums in another order
make 1e-5 of it, or 1e-3 in a deep encoder; another meaning of an operator makes much more."""
SAMPLES = 2
"""In a batch, where a model takes batches."""


def check_answers(name: str, request: LoadRequest, declared: Interface) -> None:
    """Refuses a model of which a converter made another one.

    Nothing is checked where ONNX Runtime is not installed, or does not run the model.

    Args:
        name: of the backend that converts.
        request: what is loaded; its knobs, threads and batch size make no difference.
        declared: what the file has.

    Raises:
        UnsupportedError: an output differs, or the process ended over the model.
        LoadError, OSError: see `convert`.
    """
    signature = request.signature or _signature(declared)
    if importlib.util.find_spec(REFERENCE) is None or signature is None:
        return
    assert request.model_file is not None  # noqa: S101  # it has been read
    own = request.configuration
    asked = _Comparison(name, own.model, own.precision, signature, _batch(signature, declared))
    [path] = convert(asked, request.model_file).paths
    found = json.loads(Path(path).read_text(encoding="utf-8"))
    for output, apart in found["apart"].items():
        told = f"their values of the output '{output}' are {apart:.2g} standard deviations apart"
        if not math.isfinite(apart):
            told = f"of the output '{output}' one of them gives no numbers"
        raise UnsupportedError(f"{name} computes something else than {REFERENCE}: {told}")


def _signature(declared: Interface) -> Signature | None:
    """That of a model whose input nobody described: one of noise, the batch first."""
    [one] = declared.inputs
    if one.shape is None or one.dtype not in DTYPE_BYTES:
        return None
    sizes = (1, *(1 if size is None else size for size in one.shape[1:]))
    return Signature((Input(one.name, one.dtype, sizes),), batched=True)


def _batch(signature: Signature, declared: Interface) -> int:
    free = all(one.shape is None or one.shape[:1] == (None,) for one in declared.inputs)
    return SAMPLES if signature.batched and free else 1


@dataclass(frozen=True, slots=True)
class _Comparison:
    """See `backends._converted.Converter`: its result is what the two answered.

    Attributes:
        backend: the one that converts.
        model: its name.
        precision: of the file.
        signature: its inputs.
        batch_size: how many samples there are.
    """

    backend: str
    model: str
    precision: str
    signature: Signature
    batch_size: int
    failure: ClassVar[str] = "its answers can't be held against ONNX Runtime's"

    def maker(self) -> str:
        version = backend(self.backend).version()
        return f"{self.backend}-{version}-beside-{REFERENCE}-{metadata.version(REFERENCE)}"

    def options(self) -> str:
        return json.dumps([self.signature.as_dict(), self.batch_size, MOST_APART])

    def command(self, model: Path, folder: Path) -> list[str]:
        names = (self.backend, self.model, self.precision)
        words = [*names, str(model), str(folder / RESULT), self.options()]
        return launch_command(sys.executable, __name__, *words, bound=True)

    def results(self) -> list[str]:
        return [RESULT]


def main() -> int:
    """Writes how far the answers of two backends to a file's samples lie apart."""
    from dse.core.generated_inputs import GeneratedInputs

    name, model, precision, file, target, options = sys.argv[1:]
    described, size, most = json.loads(options)
    signature = Signature.from_dict(described)
    configuration = Configuration(model, precision, name, 1, size)
    request = LoadRequest(configuration, Path(file), {}, signature)
    samples = GeneratedInputs(size, signature, 0)
    answers = _answers(name, request, samples)
    apart = differences(answers, _answers(REFERENCE, request, samples), most)
    Path(target).write_text(json.dumps({"apart": apart}), encoding="utf-8")
    return 0


def _answers(name: str, request: LoadRequest, samples: GeneratedInputs) -> dict[str, NDArray[Any]]:
    """The outputs of a model by name; none where the runtime refuses it, or these samples."""
    import numpy as np

    runtime = backend(name)
    assert isinstance(runtime, Refusing)  # noqa: S101  # it reads files
    configuration = replace(request.configuration, backend=name)
    try:
        loaded = runtime.load(replace(request, configuration=configuration))
    except (UnsupportedError, LoadError):
        return {}
    arrays = samples.call(range(configuration.batch_size))
    refusals: tuple[type[Exception], ...] = (UnsupportedError, *runtime.refusals())
    try:
        outputs = loaded.outputs(loaded.bind(arrays if len(arrays) > 1 else arrays[0]))
    except refusals:
        return {}
    found = {output: np.array(array) for output, array in outputs if array is not None}
    loaded.close()
    return found


def differences(
    answers: Mapping[str, NDArray[Any]], expected: Mapping[str, NDArray[Any]], most: float
) -> dict[str, float]:
    """How far outputs lie apart that lie too far apart, in standard deviations; or infinitely.

    Args:
        answers: arrays by the output's name.
        expected: what they should be; where some are not finite numbers, answers may be any.
        most: how far apart they may lie.
    """
    found = {}
    for output, right in expected.items():
        if output in answers:
            apart = _apart(answers[output], right)
            if not apart <= most:
                found[output] = apart
    return found


def _apart(answer: NDArray[Any], right: NDArray[Any]) -> float:
    import numpy as np

    if answer.size != right.size:
        return float("inf")
    known = np.isfinite(right.ravel())
    own, other = (np.asarray(one.ravel()[known], np.float64) for one in (answer, right))
    if not own.size or not np.isfinite(own).all():
        return float("inf") if right.size else 0.0
    scale = float(other.std()) or float(np.abs(other).max()) or 1.0
    return float(np.abs(own - other).max()) / scale
