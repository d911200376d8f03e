"""The runtimes called straight, each in the fastest way its own documentation knows.

Nothing of the tool stands here: this is what the tool is compared with. Runs in the runtime's own
Python, which may hold little else than numpy.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Batch = NDArray[np.generic]
    Call = Callable[[], object]
    """Predicts one batch that was made ready before."""


def onnxruntime(file: str, threads: int, batches: Sequence[Batch]) -> list[Call]:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    source, target = session.get_inputs()[0].name, session.get_outputs()[0].name
    scores = ort.OrtValue.ortvalue_from_numpy(session.run([target], {source: batches[0]})[0])

    def call(batch: Batch) -> Call:
        value, binding = ort.OrtValue.ortvalue_from_numpy(batch), session.io_binding()
        binding.bind_ortvalue_input(source, value)
        binding.bind_ortvalue_output(target, scores)
        run = session.run_with_iobinding

        def predict() -> None:
            run(binding)

        predict.keeps = value  # type: ignore[attr-defined]  # the binding does not
        return predict

    return [call(batch) for batch in batches]


def openvino(file: str, threads: int, batches: Sequence[Batch]) -> list[Call]:
    import openvino as ov

    core = ov.Core()
    model = core.read_model(file)
    model.reshape({model.inputs[0]: list(batches[0].shape)})
    options = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
    }
    request = core.compile_model(model, "CPU", options).create_infer_request()
    set_input, infer = request.set_input_tensor, request.infer

    def call(batch: Batch) -> Call:
        tensor = ov.Tensor(batch, shared_memory=True)

        def predict() -> None:
            set_input(tensor)
            infer(share_outputs=True)

        return predict

    return [call(batch) for batch in batches]


def litert(file: str, threads: int, batches: Sequence[Batch]) -> list[Call]:
    from ai_edge_litert.interpreter import Interpreter

    return _tflite(Interpreter(model_path=file, num_threads=threads), batches)


def tflite_runtime(file: str, threads: int, batches: Sequence[Batch]) -> list[Call]:
    from tflite_runtime.interpreter import Interpreter

    return _tflite(Interpreter(model_path=file, num_threads=threads), batches)


def _tflite(interpreter: Any, batches: Sequence[Batch]) -> list[Call]:
    source = interpreter.get_input_details()[0]["index"]
    if len(batches[0]) > 1:
        interpreter.resize_tensor_input(source, batches[0].shape)
    interpreter.allocate_tensors()
    target = interpreter.get_output_details()[0]["index"]
    write, invoke, read = interpreter.set_tensor, interpreter.invoke, interpreter.get_tensor

    def call(batch: Batch) -> Call:
        def predict() -> object:
            write(source, batch)
            invoke()
            return read(target)

        return predict

    return [call(batch) for batch in batches]


def mnn(file: str, threads: int, batches: Sequence[Batch]) -> list[Call]:
    import subprocess
    import sys
    import tempfile

    import MNN

    # By itself: the converter prints, and its program reports to its makers.
    code = "import sys, _tools; _tools.mnnconvert(sys.argv)"
    with tempfile.TemporaryDirectory() as folder:
        words = ["-f", "ONNX", "--modelFile", file, "--MNNModel", f"{folder}/model.mnn"]
        subprocess.run([sys.executable, "-c", code, *words], check=True, stdout=subprocess.DEVNULL)
        interpreter = MNN.Interpreter(f"{folder}/model.mnn")
    session = interpreter.createSession({"backend": "CPU", "numThread": threads})
    tensor = interpreter.getSessionInput(session)
    interpreter.resizeTensor(tensor, batches[0].shape)
    interpreter.resizeSession(session)
    own, run = tensor.getNumpyData(), interpreter.runSession

    def call(batch: Batch) -> Call:
        def predict() -> None:
            own[...] = batch  # the call before used this memory for something else
            run(session)

        return predict

    return [call(batch) for batch in batches]


def ncnn(file: str, threads: int, batches: Sequence[Batch]) -> list[Call]:
    import shutil
    import subprocess
    import tempfile
    from importlib.util import find_spec
    from pathlib import Path

    import ncnn
    import numpy as np

    spec = find_spec("pnnx")  # to import it would import PyTorch
    assert spec is not None
    program = Path(str(spec.origin)).with_name("pnnx")
    sizes = ",".join(map(str, (1, *batches[0].shape[1:])))
    net = ncnn.Net()
    options = net.opt
    options.num_threads = threads
    options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(file, f"{folder}/model.onnx")
        words = [str(program), "model.onnx", f"inputshape=[{sizes}]f32", "fp16=0"]
        subprocess.run(words, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        net.load_param(f"{folder}/model.ncnn.param")
        net.load_model(f"{folder}/model.ncnn.bin")
    create, matrix, read = net.create_extractor, ncnn.Mat, np.asarray

    def call(batch: Batch) -> Call:
        own = matrix(batch[0])

        def single() -> object:
            extractor = create()
            extractor.input("in0", own)
            return read(extractor.extract("out0")[1])

        single.keeps = batch  # type: ignore[attr-defined]  # the matrix does not

        def several() -> object:
            extractor = create()
            extractor.input("in0", matrix(batch, 0))  # it copies
            return extractor.extract("out0")[1].numpy("", 0)

        return single if len(batch) == 1 else several

    return [call(batch) for batch in batches]


def deepsparse(file: str, threads: int, batches: Sequence[Batch]) -> list[Call]:
    import os

    os.environ["NM_DISABLE_ANALYTICS"] = "1"
    from deepsparse import Engine

    engine = Engine(
        file,
        batch_size=len(batches[0]),
        num_cores=threads,
        num_streams=1,
        scheduler="single_stream",
    )
    run = engine.run

    def call(batch: Batch) -> Call:
        bound = [batch]

        def predict() -> object:
            return run(bound, False)

        return predict

    return [call(batch) for batch in batches]


def pytorch(file: str, threads: int, batches: Sequence[Batch]) -> list[Call]:
    """Eager, with weights by pixel. PyTorch reads no ONNX: the graph is the backend's."""
    import torch

    files = import_module("dse.backends._torch_from_onnx")
    fusions = import_module("dse.backends._torch_fusions")
    torch.set_num_threads(threads)
    mode = torch.inference_mode()
    mode.__enter__()
    model = files.read(Path(file))
    (source,), (target, *_) = files.inputs_of(model), model.graph.output
    module = files.to_module(model, {source.name: batches[0].shape}, [target.name])
    for improve in (fusions.fuse, fusions.lay_out, fusions.overwrite):
        improve(module)
    forward = module.forward

    def call(batch: Batch) -> Call:
        tensor = torch.from_numpy(batch)

        def predict() -> object:
            return forward(tensor)[0].numpy()

        predict.keeps = mode  # type: ignore[attr-defined]  # freed, it would end
        return predict

    return [call(batch) for batch in batches]


def executorch(file: str, threads: int, batches: Sequence[Batch]) -> list[Call]:
    """ExecuTorch reads no ONNX: the program is the backend's."""
    import torch
    from executorch.extension.pybindings import _C

    files = import_module("dse.backends._torch_from_onnx")
    convert = import_module("dse.backends._converted").convert
    recipe_of = import_module("dse.backends._executorch_programs").Recipe
    model = files.read(Path(file))
    (source,), (target, *_) = files.inputs_of(model), model.graph.output
    recipe = recipe_of(((source.name, batches[0].shape),), (target.name,), True)
    if _C._threadpool_get_thread_count() != threads:  # a loaded program holds on to the pool
        _C._unsafe_reset_threadpool(threads)
    run = _C._load_program(convert(recipe, Path(file)).paths[0]).load_method("forward")

    def call(batch: Batch) -> Call:
        bound, infer = [torch.from_numpy(batch)], run.call

        def predict() -> object:
            return infer(bound, False)

        return predict

    return [call(batch) for batch in batches]


def tensorflow(file: str, threads: int, batches: Sequence[Batch]) -> list[Call]:
    """Operator by operator. TensorFlow reads no ONNX: the graph is the backend's.

    It has one number of threads for the process, which the backend may have set before.
    """
    import numpy as np
    import tensorflow as tf

    from dse.core.alignment import aligned

    files = import_module("dse.backends._tf_from_onnx")
    sessions = import_module("dse.backends._tf_session")
    if tf.config.threading.get_intra_op_parallelism_threads() != threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    model = files.read(Path(file))
    (source,), (target, *_) = files.inputs_of(model), model.graph.output
    function = files.to_function(model, {source.name: batches[0].shape}, [target.name])
    run = sessions.Session(function, threads, compiled=False).run

    def call(batch: Batch) -> Call:
        own = aligned(batch.shape, batch.dtype)
        np.copyto(own, batch)

        def predict() -> object:
            return run(own)[0]

        return predict

    return [call(batch) for batch in batches]


BARE: dict[str, Callable[[str, int, Sequence[Batch]], list[Call]]] = {
    "onnxruntime": onnxruntime,
    "openvino": openvino,
    "litert": litert,
    "tflite-runtime": tflite_runtime,
    "mnn": mnn,
    "deepsparse": deepsparse,
    "pytorch": pytorch,
    "tensorflow": tensorflow,
    "ncnn": ncnn,
    "executorch": executorch,
}
