"""ExecuTorch's exporter, in a process of its own: an ONNX file becomes a program.

The file is written anew in PyTorch's functions, as for the backend of PyTorch, and exported from
there; nothing is unpickled.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dse.core.backend import LoadError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def main() -> int:
    """Writes the program of the ONNX file that is named first into the file that is named second.

    The third argument is a recipe, see `backends._executorch_programs.Recipe`. What goes wrong is
    told in the last line that is printed.
    """
    model, target, text = sys.argv[1:]
    warnings.simplefilter("ignore")  # those of the exporter are for its makers
    try:
        program = _program(Path(model), json.loads(text))
    except (LoadError, UnsupportedError) as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    with Path(target).open("wb") as file:
        program.write_to_file(file)
    return 0


def _program(model: Path, recipe: Mapping[str, Any]) -> Any:
    import torch

    from . import _executorch_quantised as quantised
    from . import _torch_from_onnx as files
    from ._torch_fusions import fuse

    torch.set_num_threads(1)
    source = files.read(model)
    shapes: dict[str, Sequence[int]] = {name: tuple(shape) for name, shape in recipe["inputs"]}
    declared = {one.name: one for one in files.inputs_of(source)}
    types = [getattr(torch, files.dtype_name(declared[name])) for name in shapes]
    integers = quantised.multiplies_integers(source)
    if recipe["integers"] and not integers:
        raise UnsupportedError("XNNPACK can't multiply integers unless the products are quantised")
    others = quantised.QUANTISED if integers else None
    module = files.to_module(source, shapes, recipe["outputs"], others)
    quantised.check_integers(module)
    fuse(module)
    quantised.part_readers(module)
    inputs = zip(shapes.values(), types, strict=True)
    zeros = [torch.zeros(shape, dtype=dtype) for shape, dtype in inputs]
    return _lowered(torch.export.export(module, tuple(zeros), strict=False), recipe["xnnpack"])


def _lowered(exported: Any, xnnpack: bool) -> Any:
    """A program whose inputs stay where they are; XNNPACK takes what it can of it, or nothing."""
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import (
        EdgeCompileConfig,
        ExecutorchBackendConfig,
        to_edge_transform_and_lower,
    )
    from executorch.exir.passes import MemoryPlanningPass

    from ._executorch_quantised import check_taken

    _spare_patterns({str(node.target) for node in exported.graph.nodes})
    planning = MemoryPlanningPass(alloc_graph_input=False, alloc_graph_output=True)
    edge = to_edge_transform_and_lower(
        exported,
        partitioner=[XnnpackPartitioner()] if xnnpack else [],
        # Operators beyond the core that it has kernels for are none of an exporter's business.
        compile_config=EdgeCompileConfig(_check_ir_validity=False),
    )
    if xnnpack:
        check_taken(edge.exported_program().graph)
    return edge.to_executorch(ExecutorchBackendConfig(memory_planning_pass=planning))


def _spare_patterns(targets: set[str]) -> None:
    """Has XNNPACK's passes look for nothing that a graph can't hold, and for no attention.

    Before they look for a resize or an attention, they export several models that have one, which
    takes as long as all the rest. An attention with a mask of more than two dimensions, as encoders
    have them, makes them fail; without it the parts of it go to XNNPACK one by one.
    """
    from executorch.backends.xnnpack.partition.graphs import bilinear_2d, sdpa

    sdpa.get_graphs = list
    if not any("upsample" in target for target in targets):
        bilinear_2d.get_graphs_dict = dict
