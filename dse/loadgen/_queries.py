"""What is done with the samples of a query: the runtime's call, then one completion.

What `single` and `batches` return runs inside the measured loop, and so does the making of
responses where a timed run returns answers; `answered` belongs to accuracy runs, of which nothing
is timed.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import mlperf_loadgen as lg
import numpy as np

from dse.loadgen.samples import buffer

if TYPE_CHECKING:
    from dse.core.backend import Batch, Model, Outputs
    from dse.loadgen.samples import Buffer, Samples

    Encode = Callable[[Outputs, int], Sequence[bytes]]
    """Makes the responses to the first samples of a call; see `dse.tasks.task.TaskWorker`."""

Answer = Callable[[list[int], list[int]], None]
"""Called with the response ids and the sample indices of a query, or of a part of one."""

_NOTHING = array("q", [0])
"""Content of every response of a timed run; it lives as long as LoadGen may read it."""


def _timed_responses(count: int) -> list[Any]:
    address, _ = _NOTHING.buffer_info()
    return [lg.QuerySampleResponse(0, address, _NOTHING.itemsize) for _ in range(count)]


def single(
    model: Model, bound: list[Any], samples: Samples, encode: Encode | None = None
) -> Answer:
    """Answers one sample at a time, as it was bound when it was loaded."""
    if encode is not None:
        finish = _finisher(model, 1, encode)
        return _guarded(lambda ids, indices: finish(bound[indices[0]], ids), samples)
    predict, complete, errors = model.predict, lg.QuerySamplesComplete, samples.errors
    responses = _timed_responses(1)
    (response,) = responses

    def answer(ids: list[int], indices: list[int]) -> None:
        try:
            if not errors:
                predict(bound[indices[0]])
        except BaseException as error:  # noqa: BLE001  # a runtime may raise anything
            samples.failed(error)
        response.id = ids[0]
        complete(responses)

    return answer


def batches(
    model: Model, samples: Samples, place: int, batch_size: int, encode: Encode | None = None
) -> Answer:
    """Answers up to a batch of samples; what is short of it is padded with what was there before.

    The samples that LoadGen asks for lie anywhere in memory: bringing them together is part of
    the work. They are copied once, into memory that the runtime reads from, which is made ready
    when the samples are loaded.

    Args:
        model: predicts.
        samples: all of one shape.
        place: of their buffer.
        batch_size: samples of a call.
        encode: makes the responses; None where nobody reads them.

    Raises:
        Exception: whatever the inputs raise.
    """
    arrays, finish = samples.arrays, _finisher(model, batch_size, encode)

    def answer_several(ids: list[int], indices: list[int]) -> None:
        parts = zip(*(arrays[index] for index in indices), strict=True)
        batch, bound = samples.buffers[place]
        for whole, part in zip(batch, parts, strict=True):
            np.concatenate(part, out=whole[: len(part)])
        finish(bound, ids)

    def answer(ids: list[int], indices: list[int]) -> None:
        parts = [arrays[index] for index in indices]
        batch, bound = samples.buffers[place]
        np.concatenate(parts, out=batch[: len(parts)])
        finish(bound, ids)

    return _guarded(answer_several if samples.several else answer, samples)


def _finisher(
    model: Model, batch_size: int, encode: Encode | None
) -> Callable[[Any, list[int]], None]:
    """What predicts a batch and completes its samples."""
    if encode is not None:
        outputs = model.outputs
        return lambda bound, ids: _complete(ids, encode(outputs(bound), len(ids)))
    predict, complete = model.predict, lg.QuerySamplesComplete
    responses = _timed_responses(batch_size)

    def finish(bound: Any, ids: list[int]) -> None:
        predict(bound)
        complete(_addressed(responses, ids))

    return finish


def answered(model: Model, samples: Samples, shape: int, batch_size: int, encode: Encode) -> Answer:
    """Answers up to a batch of samples of a shape with their responses, made on the way."""
    inputs = samples.inputs
    buffers: list[Buffer] = []
    try:
        buffers.append(buffer(model, inputs.call([samples.shapes.index(shape)] * batch_size)))
    except BaseException as error:  # noqa: BLE001  # a runtime may raise anything
        samples.failed(error)

    def answer(ids: list[int], indices: list[int]) -> None:
        batch, bound = buffers[0]
        count = len(indices)
        inputs.call(indices, out=batch if count == batch_size else _head(batch, count))
        _complete(ids, encode(model.outputs(bound), count))

    return _guarded(answer, samples)


def _head(batch: Batch, count: int) -> Batch:
    """The first samples of a batch."""
    return tuple(a[:count] for a in batch) if isinstance(batch, tuple) else batch[:count]


def _complete(ids: Sequence[int], data: Sequence[bytes]) -> None:
    """Completes samples with responses of any length, whose bytes LoadGen copies meanwhile."""
    memory = array("B", b"".join(data))
    address, _ = memory.buffer_info()
    responses = []
    for query_id, each in zip(ids, data, strict=True):
        responses.append(lg.QuerySampleResponse(query_id, address, len(each)))
        address += len(each)
    lg.QuerySamplesComplete(responses)


def _addressed(responses: list[Any], ids: Sequence[int]) -> list[Any]:
    """As many of the responses as there are ids, each with its id."""
    answered = responses[: len(ids)]
    for response, query_id in zip(answered, ids, strict=True):
        response.id = query_id
    return answered


def _guarded(answer: Answer, samples: Samples) -> Answer:
    """Keeps an error from LoadGen, and completes with empty responses instead."""
    errors = samples.errors

    def guarded(ids: list[int], indices: list[int]) -> None:
        if not errors:
            try:
                answer(ids, indices)
            except BaseException as error:  # noqa: BLE001  # a runtime may raise anything
                samples.failed(error)
            else:
                return
        _complete(ids, [b""] * len(ids))

    return guarded


def in_parts(answer: Answer, size: int) -> Answer:
    """Answers a query part by part, one after the other."""

    def issue(ids: list[int], indices: list[int]) -> None:
        for start in range(0, len(ids), size):
            answer(ids[start : start + size], indices[start : start + size])

    return issue


def by_shape(answers: Mapping[int, Answer], shapes: Sequence[int]) -> Answer:
    """Answers any samples of a query, those of each shape by themselves.

    Those that take longest come first, so that several callers end together.

    Args:
        answers: by the shape of what they are asked; the only one as it is.
        shapes: of the samples, by index.
    """
    if len(answers) == 1:
        (only,) = answers.values()
        return only
    order = sorted(answers, reverse=True)

    def answer(ids: list[int], indices: list[int]) -> None:
        groups: dict[int, tuple[list[int], list[int]]] = {shape: ([], []) for shape in order}
        for query_id, index in zip(ids, indices, strict=True):
            own_ids, own_indices = groups[shapes[index]]
            own_ids.append(query_id)
            own_indices.append(index)
        for shape, (own_ids, own_indices) in groups.items():
            if own_ids:
                answers[shape](own_ids, own_indices)

    return answer
