"""What is done with the samples of a query: the runtime's call, then one completion.

Everything here runs inside the measured loop, but for what the functions do before they return
theirs.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import mlperf_loadgen as lg
import numpy as np

from dse.core.backend import UnsupportedError
from dse.loadgen.samples import buffer
from dse.tasks.generated.inputs import GeneratedInputs
from dse.tasks.image_classification.inputs import top1

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dse.core.backend import Model
    from dse.loadgen.samples import Buffer, Samples
    from dse.tasks.image_classification.inputs import Inputs

Answer = Callable[[list[int], list[int]], None]
"""Called with the response ids and the sample indices of a query, or of a part of one."""

LABEL_BYTES = 8
SENTINEL = -2
"""The answer that stands for none, after a prediction has failed."""


class Labels:
    """Responses and the labels they send; LoadGen copies the bytes at completion."""

    def __init__(self, count: int) -> None:
        self.values = array("q", [0] * count)
        address, _ = self.values.buffer_info()
        self.responses = [
            lg.QuerySampleResponse(0, address + LABEL_BYTES * i, LABEL_BYTES) for i in range(count)
        ]


def single(model: Model, bound: list[Any], samples: Samples) -> Answer:
    """Answers one sample at a time, as it was bound when it was loaded."""
    predict, complete, errors = model.predict, lg.QuerySamplesComplete, samples.errors
    labels = Labels(1)
    responses, (response,) = labels.responses, labels.responses

    def answer(ids: list[int], indices: list[int]) -> None:
        try:
            if not errors:
                predict(bound[indices[0]])
        except BaseException as error:  # noqa: BLE001  # a runtime may raise anything
            samples.failed(error)
        response.id = ids[0]
        complete(responses)

    return answer


def batches(model: Model, samples: Samples, number: int, batch_size: int) -> Answer:
    """Answers up to a batch of samples; what is short of it is padded with what was there before.

    The samples that LoadGen asks for lie anywhere in memory: bringing them together is part of
    the work. They are copied once, into memory that the runtime reads from, which is made ready
    when the samples are loaded.
    """
    predict, complete, arrays = model.predict, lg.QuerySamplesComplete, samples.arrays
    responses = Labels(batch_size).responses

    def answer_several(ids: list[int], indices: list[int]) -> None:
        parts = zip(*(arrays[index] for index in indices), strict=True)
        batch, bound = samples.buffers[number]
        for whole, part in zip(batch, parts, strict=True):
            np.concatenate(part, out=whole[: len(part)])
        predict(bound)
        complete(_addressed(responses, ids))

    def answer(ids: list[int], indices: list[int]) -> None:
        parts = [arrays[index] for index in indices]
        batch, bound = samples.buffers[number]
        np.concatenate(parts, out=batch[: len(parts)])
        predict(bound)
        complete(_addressed(responses, ids))

    several = isinstance(samples.inputs, GeneratedInputs)
    return _guarded(answer_several if several else answer, samples)


def labelled(
    model: Model, samples: Samples, inputs: Inputs, batch_size: int, label_offset: int
) -> Answer:
    """Answers up to a batch of images with their labels; the inputs are made on the way."""
    predict, complete = model.predict, lg.QuerySamplesComplete
    labels = Labels(batch_size)
    buffers: list[Buffer] = []
    try:
        buffers.append(buffer(model, inputs.batch([0] * batch_size)))
    except BaseException as error:  # noqa: BLE001  # a runtime may raise anything
        samples.failed(error)

    def answer(ids: list[int], indices: list[int]) -> None:
        batch, bound = buffers[0]
        inputs.batch(indices, out=batch[: len(indices)])
        scores = predict(bound)
        found = top1(scores, label_offset)[: len(ids)].tolist()
        _check_finite(scores[: len(ids)])
        labels.values[: len(ids)] = array("q", found)
        complete(_addressed(labels.responses, ids))

    return _guarded(answer, samples)


def _check_finite(scores: NDArray[np.generic]) -> None:
    """The greatest of several scores says nothing where one of them is not a number."""
    if scores.dtype.kind == "f" and not (finite := np.isfinite(scores)).all():
        count = finite.size - int(finite.sum())
        raise UnsupportedError(f"{count} of {finite.size} scores are not finite numbers")


def _addressed(responses: list[Any], ids: Sequence[int]) -> list[Any]:
    """As many of the responses as there are ids, each with its id."""
    answered = responses[: len(ids)]
    for response, query_id in zip(answered, ids, strict=True):
        response.id = query_id
    return answered


def _guarded(answer: Answer, samples: Samples) -> Answer:
    """Keeps an error from LoadGen and answers with the sentinel instead."""
    complete, errors = lg.QuerySamplesComplete, samples.errors
    sentinel = Labels(1)
    sentinel.values[0] = SENTINEL
    responses, (response,) = sentinel.responses, sentinel.responses

    def guarded(ids: list[int], indices: list[int]) -> None:
        if not errors:
            try:
                answer(ids, indices)
            except BaseException as error:  # noqa: BLE001  # a runtime may raise anything
                samples.failed(error)
            else:
                return
        for query_id in ids:
            response.id = query_id
            complete(responses)

    return guarded


def in_parts(answer: Answer, size: int) -> Answer:
    """Answers a query part by part, one after the other."""

    def issue(ids: list[int], indices: list[int]) -> None:
        for start in range(0, len(ids), size):
            answer(ids[start : start + size], indices[start : start + size])

    return issue
