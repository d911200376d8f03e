"""An encoder as an ONNX file with untrained weights, and what it takes.

All supported runtimes, old ones included, read opset 15 and IR version 8. The batch size is left
open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.models.onnx_normalise import IR_VERSION, OPSET
from dse.tasks.question_answering._encoder import EncoderWriter
from dse.tasks.question_answering._mobilebert import MobileWriter

if TYPE_CHECKING:
    from dse.tasks.question_answering._architectures import Encoder

PRODUCER = "mlperf-dse"


def write(encoder: Encoder) -> EncoderWriter:
    """The operators of an encoder, and what makes its weights.

    Raises:
        ImportError: onnx is not installed.
    """
    bottleneck = encoder.bottleneck
    writer = MobileWriter(encoder, bottleneck) if bottleneck else EncoderWriter(encoder)
    writer.write()
    return writer


def onnx_bytes(encoder: Encoder) -> bytes:
    """The file of an encoder with untrained weights.

    The same encoder gives the same bytes, in any process.

    Raises:
        ImportError: onnx is not installed.
    """
    from onnx import TensorProto, helper, numpy_helper

    writer = write(encoder)
    batch: tuple[str | int | None, ...] = ("batch", encoder.sequence_length)
    inputs = [one.name for one in encoder.form.inputs]
    model = helper.make_model(
        helper.make_graph(
            writer.nodes,
            "encoder",
            [helper.make_tensor_value_info(name, TensorProto.INT64, batch) for name in inputs],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, batch)
                for name in ("start_logits", "end_logits")
            ],
            [numpy_helper.from_array(make(), name) for name, make in writer.arrays.items()],
        ),
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name=PRODUCER,
    )
    data: bytes = model.SerializeToString(deterministic=True)
    return data
