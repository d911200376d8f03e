"""The constants of an ONNX file, and which lie outside it, as onnx itself finds them."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from math import prod
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import ExternalDataInfo, set_external_data, uses_external_data

from dse.core.errors import RequestError
from dse.formats._flow import MAX_GRAPH_DEPTH
from dse.formats._onnx_constants import ExternalData, read_constants
from tests import any_models
from tests.any_models import value, write, write_apart

if TYPE_CHECKING:
    from pathlib import Path

    from onnx import GraphProto, ModelProto
    from onnx import TensorProto as Tensor

WEIGHTS = np.arange(6, dtype=np.float32).reshape(2, 3)


def outside(name: str, location: str, offset: int = 0) -> Tensor:
    """A constant of 2 x 3 numbers whose data lies elsewhere."""
    tensor = numpy_helper.from_array(WEIGHTS, name)
    set_external_data(tensor, location, offset, WEIGHTS.nbytes)
    tensor.ClearField("raw_data")
    return tensor


def graph(name: str, *constants: Tensor) -> GraphProto:
    """A graph without inputs that has a constant in an operator, too."""
    node = helper.make_node("Constant", [], [f"{name}_out"], value=outside(f"{name} node", "n"))
    out = value(f"{name}_out", (2, 3))
    return helper.make_graph([node], name, [], [out], list(constants))


def everywhere() -> ModelProto:
    """Constants in the graph, in operators, in graphs within them, sparse, and in functions."""
    deep = helper.make_node(
        "If",
        ["flag"],
        ["deep"],
        then_branch=graph("innermost", outside("e", "sub/e", 100)),
        else_branch=graph("other"),
    )
    then = helper.make_graph([deep], "then", [], [value("deep", (2, 3))], [outside("d", "d")])
    choose = helper.make_node(
        "If", ["flag"], ["out"], then_branch=then, else_branch=graph("otherwise", outside("f", "a"))
    )
    sparse = onnx.SparseTensorProto()
    sparse.dims.extend([100])
    sparse.values.CopyFrom(outside("s values", "s"))
    sparse.indices.CopyFrom(outside("s indices", "s", 24))
    attribute = helper.make_node("Constant", [], ["unused"], sparse_value=sparse)
    several = helper.make_node("Own", [], ["unread"], domain="own")
    several.attribute.append(
        helper.make_attribute("tensors", [outside("t0", "t"), outside("t1", "t", 24)])
    )
    several.attribute.append(helper.make_attribute("graphs", [graph("one"), graph("two")]))
    inside = numpy_helper.from_array(WEIGHTS, "inside")
    main = helper.make_graph(
        [choose, attribute, several],
        "main",
        [value("flag", (), "BOOL")],
        [value("out", (2, 3))],
        [outside("a", "a"), inside, outside("b", "a", 24)],
        sparse_initializer=[sparse],
    )
    of_function = helper.make_node("Constant", [], ["y"], value=outside("g", "g"))
    opsets = [helper.make_opsetid("", 15)]
    function = helper.make_function("own", "Own", [], ["y"], [of_function], opsets)
    made = helper.make_model(main, opset_imports=opsets, ir_version=8)
    made.functions.append(function)
    return made


def named(graph: GraphProto) -> list[Tensor]:
    """Every tensor of a graph, found by walking onnx's own objects."""
    found = list(graph.initializer)
    for sparse in graph.sparse_initializer:
        found += [sparse.values, sparse.indices]
    for node in graph.node:
        for one in node.attribute:
            found += [one.t, *one.tensors, one.sparse_tensor.values, one.sparse_tensor.indices]
            for inner in (one.g, *one.graphs):
                found += named(inner)
    return found


def test_every_constant_is_found_wherever_it_stands(tmp_path: Path) -> None:
    path, model = tmp_path / "m.onnx", everywhere()
    path.write_bytes(model.SerializeToString())
    tensors = [*named(model.graph), model.functions[0].node[0].attribute[0].t]
    expected = set()
    for tensor in filter(uses_external_data, tensors):
        info = ExternalDataInfo(tensor)
        expected.add(
            ExternalData(tensor.name, info.location, (info.offset or 0) + (info.length or 0))
        )
    constants = read_constants(path)
    real = [tensor for tensor in tensors if tensor.data_type]
    assert constants.elements == {TensorProto.FLOAT: sum(prod(one.dims) for one in real)}
    found = constants.external
    assert set(found) == expected
    assert {one.tensor for one in found} >= {*"abdefg", "s values", "s indices", "t0", "t1"}
    assert ExternalData("e", "sub/e", 124) in found
    # Those of the main graph come first: so the order of the files is that of the constants.
    assert [one.tensor for one in found[:2]] == ["a", "b"]


def test_a_model_in_one_file_has_none(tmp_path: Path) -> None:
    assert read_constants(write(tmp_path, any_models.bert)).external == ()
    (tmp_path / "empty.onnx").touch()
    assert read_constants(tmp_path / "empty.onnx").external == ()


def test_a_file_is_read_again_when_it_has_changed(tmp_path: Path) -> None:
    path = write_apart(tmp_path, any_models.audio)
    assert {one.location for one in read_constants(path).external} == {"audio.onnx_data"}
    before = path.stat().st_mtime_ns
    path.write_bytes(any_models.audio().SerializeToString())
    os.utime(path, ns=(before, before + 1_000_000_000))
    assert read_constants(path).external == ()


@pytest.mark.parametrize(
    "number", sorted(set(TensorProto.DataType.values()) - {TensorProto.UNDEFINED})
)
def test_a_length_that_is_left_out_is_that_of_the_numbers(number: int, tmp_path: Path) -> None:
    if number == TensorProto.STRING:
        return  # texts can't lie outside
    name = TensorProto.DataType.Name(number)
    tensor = TensorProto(
        name="w", data_type=number, dims=[3, 5], data_location=TensorProto.EXTERNAL
    )
    tensor.external_data.add(key="location", value="w")
    tensor.external_data.add(key="offset", value="7")
    path = tmp_path / "m.onnx"
    made = helper.make_model(helper.make_graph([], "g", [], [], [tensor]))
    path.write_bytes(made.SerializeToString())
    small = {"INT2": 4, "UINT2": 4, "INT4": 8, "UINT4": 8, "FLOAT4E2M1": 8}
    small |= {"FLOAT6E2M3": 12, "FLOAT6E3M2": 12}
    size = small.get(name) or 15 * helper.tensor_dtype_to_np_dtype(number).itemsize
    assert read_constants(path).external == (ExternalData("w", "w", 7 + size),)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("offset", "many"),
        ("length", "1.5"),
        ("offset", "-1"),
        ("length", "-24"),
        ("length", "9" * 4000),
    ],
)
def test_a_place_that_is_none_is_told(key: str, text: str, tmp_path: Path) -> None:
    tensor = outside("w", "w")
    for entry in tensor.external_data:
        if entry.key == key:
            entry.value = text
    path = tmp_path / "m.onnx"
    path.write_bytes(helper.make_model(graph("g", tensor)).SerializeToString())
    with pytest.raises(RequestError, match=r"m\.onnx: the file is cut short or damaged: .*'w'"):
        read_constants(path)


def test_graphs_within_graphs_come_to_an_end(tmp_path: Path) -> None:
    def field(number: int, content: bytes) -> bytes:
        size, low = divmod(len(content), 128)
        return bytes([8 * number + 2, low | 0x80, size]) + content

    inner = b""
    for _ in range(MAX_GRAPH_DEPTH + 1):  # more than protobuf's own library would take
        inner = field(1, field(5, field(6, inner)))  # of an attribute of a node of a graph
    path = tmp_path / "m.onnx"
    path.write_bytes(field(7, inner))
    with pytest.raises(RequestError, match="nested too deep"):
        read_constants(path)


@given(st.data())
def test_damage_is_told_or_does_no_harm(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(everywhere().SerializeToString())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.onnx"
    path.unlink(missing_ok=True)
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    with suppress(RequestError):
        assert all(one.end >= 0 for one in read_constants(path).external)


def test_no_library_is_needed(tmp_path: Path) -> None:
    path = write_apart(tmp_path, any_models.audio)
    code = (
        "import sys; from pathlib import Path; from dse.formats.data_files import find_data_files; "
        "print(*(p.name for p in find_data_files(Path(sys.argv[1]), 'onnx'))); "
        "assert not {'onnx', 'numpy', 'google'} & set(sys.modules), sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("audio.onnx_data\n", "")
