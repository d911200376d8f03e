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
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from dse.core.generated_inputs import GeneratedInputs
    from dse.formats.interface import Interface

REFERENCE = "onnxruntime"
RESULT = "answers.json"
MAX_APART = 0.05
"""Of two answers to the same samples, in standard deviations of all of them. Sums in another order
make 1e-5 of it, or 1e-3 in a deep encoder; another meaning of an operator makes much more."""
MAX_SHARE_APART = 0.01
"""Share of the values that may lie farther apart."""
MIN_SPREAD, MIN_SCALE = 1e-3, 1e-6
"""What stands for the standard deviation of values that hardly differ: this share of the largest,
or this number. Of what is one and the same number for all, rounding is the whole difference."""
IDS = 100
"""Exclusive bound of wide integers of which nothing is known: most are sizes or rows of tables."""
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
    signature = _fed(request.signature) if request.signature else _signature(declared)
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
            told = f"the output '{output}' has other sizes, or values that are no numbers"
        raise UnsupportedError(f"{name} computes something else than {REFERENCE}: {told}")


def _signature(declared: Interface) -> Signature | None:
    """That of a model whose input nobody described: one of noise, the batch first."""
    [one] = declared.inputs
    if one.shape is None or one.dtype not in DTYPE_BYTES:
        return None
    sizes = (1, *(1 if size is None else size for size in one.shape[1:]))
    return _fed(Signature((Input(one.name, one.dtype, sizes),), batched=True))


def _fed(signature: Signature) -> Signature:
    """The same with small numbers where there would be wide integers of any size."""
    inputs = (
        replace(one, fill="ids", bound=IDS) if _is_wide_noise(one) else one
        for one in signature.inputs
    )
    return replace(signature, inputs=tuple(inputs))


def _is_wide_noise(one: Input) -> bool:
    return one.fill == "noise" and "int" in one.dtype and DTYPE_BYTES[one.dtype] > 1


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
        limits = (MAX_APART, MAX_SHARE_APART, MIN_SPREAD, MIN_SCALE)
        return json.dumps([self.signature.as_dict(), self.batch_size, limits])

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
    described, size, _ = json.loads(options)
    signature = Signature.from_dict(described)
    configuration = Configuration(model, precision, name, 1, size)
    request = LoadRequest(configuration, Path(file), {}, signature)
    samples = GeneratedInputs(size, signature, 0)
    answers = _answers(name, request, samples)
    expected = _answers(REFERENCE, request, samples, times=2)
    apart = differences(answers[0], expected) if answers and expected else {}
    Path(target).write_text(json.dumps({"apart": apart}), encoding="utf-8")
    return 0


def _answers(
    name: str, request: LoadRequest, samples: GeneratedInputs, times: int = 1
) -> list[dict[str, NDArray[Any]]]:
    """The outputs of a model by name, of each call; none where the runtime refuses it or them."""
    import numpy as np

    runtime = backend(name)
    assert isinstance(runtime, Refusing)  # noqa: S101  # it reads files
    configuration = replace(request.configuration, backend=name)
    try:
        loaded = runtime.load(replace(request, configuration=configuration))
    except (UnsupportedError, LoadError):
        return []
    arrays = samples.call(range(configuration.batch_size))
    refusals: tuple[type[Exception], ...] = (UnsupportedError, *runtime.refusals())
    found: list[dict[str, NDArray[Any]]] = []
    try:
        for _ in range(times):
            outputs = loaded.outputs(loaded.bind(arrays if len(arrays) > 1 else arrays[0]))
            found.append({n: np.array(array) for n, array in outputs if array is not None})
    except refusals:
        return []
    loaded.close()
    return found


def differences(
    answers: Mapping[str, NDArray[Any]],
    expected: Sequence[Mapping[str, NDArray[Any]]],
) -> dict[str, float]:
    """How far outputs lie apart that lie too far apart, in standard deviations; or infinitely.

    Args:
        answers: arrays by the output's name.
        expected: what they should be, as it was answered twice. Where that is no finite number, or
            another one each time as with random numbers, answers may be any.
    """
    first, second = expected
    found = {}
    for output, right in first.items():
        if output in answers and _apart(second[output], right) <= MAX_APART:
            apart = _apart(answers[output], right)
            if apart > MAX_APART:
                found[output] = apart
    return found


def _apart(answer: NDArray[Any], right: NDArray[Any]) -> float:
    """How far all values but the worst few lie apart.

    A few may be anywhere: rounding decides an index or a step where two are as good.
    """
    import numpy as np

    if answer.size != right.size:
        return math.inf
    known = np.isfinite(right.ravel())
    own, other = (np.asarray(one.ravel()[known], np.float64) for one in (answer, right))
    if not own.size:
        return 0.0
    largest = float(np.abs(other).max())
    scale = max(float(other.std()), MIN_SPREAD * largest, MIN_SCALE)
    off = np.where(np.isfinite(own), np.abs(own - other) / scale, math.inf)
    return float(np.quantile(off, 1 - MAX_SHARE_APART, method="higher"))
