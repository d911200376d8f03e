"""Values of inputs that the shapes in a TFLite file imply, and ids that must stay in a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.formats.reading import describe
from tests.formats.test_tflite_flow import NAMES, model, packed

if TYPE_CHECKING:
    from pathlib import Path

    from dse.formats.description import DeclaredInput

SHAPES = {"x": [4], "data": [1, 2, 3, 4], "out": [1, 2, 6, 4]}


def declared(folder: Path, *steps: tuple[str, str, str], **shapes: list[int]) -> DeclaredInput:
    """The input ``x`` of a model whose tensors have these shapes; -1 leaves a size open."""
    made = model(*steps, inner=())
    for name, shape in {**SHAPES, **shapes}.items():
        tensor = made.subgraphs[0].tensors[NAMES.index(name)]
        tensor.shape = [max(1, size) for size in shape]
        tensor.shapeSignature = shape
    path = folder / "model.tflite"
    path.write_bytes(packed(made))
    return describe(path).inputs[0]


@pytest.mark.parametrize(
    ("step", "values"),
    [
        (("RESHAPE", "data x", "out"), (1, 2, 6, 4)),
        (("BROADCAST_TO", "data x", "out"), (1, 2, 6, 4)),
        (("TRANSPOSE_CONV", "x a data", "out"), (1, 2, 6, 4)),
        (("FILL", "x data", "out"), (1, 2, 6, 4)),
        (("SCATTER_ND", "a data x", "out"), (1, 2, 6, 4)),
        (("TILE", "data x", "out"), (1, 1, 2, 1)),
        (("SLICE", "data x a", "out"), (0, 0, 0, 0)),
        (("SLICE", "data a x", "out"), (1, 2, 6, 4)),
        (("ADD", "data x", "out"), ()),
    ],
)
def test_shapes_imply_values(
    step: tuple[str, str, str], values: tuple[int, ...], tmp_path: Path
) -> None:
    assert declared(tmp_path, step).values == values


def test_sides_and_counts(tmp_path: Path) -> None:
    resize, top = ("RESIZE_BILINEAR", "data x", "out"), ("TOPK_V2", "data x", "out")
    assert declared(tmp_path, resize, x=[2]).values == (2, 6)
    assert declared(tmp_path, top, x=[]).values == (4,)
    assert declared(tmp_path, top, x=[2]).values == ()


def test_an_open_vector_has_as_many_elements_as_there_are_values(tmp_path: Path) -> None:
    found = declared(tmp_path, ("SLICE", "data a x", "out"), x=[-1], out=[1, 2, -1, 4])
    assert (found.dims, found.values) == ((4,), (1, 2, -1, 4))
    found = declared(tmp_path, ("RESHAPE", "data x", "out"), x=[-1], out=[1, 2, -1, 4])
    assert (found.dims, found.values) == (("",), ())


def test_what_two_operators_ask_differently_is_left_open(tmp_path: Path) -> None:
    steps = ("RESHAPE", "data x", "out"), ("RESHAPE", "data x", "a")
    assert declared(tmp_path, *steps, a=[1, 2, 3, 4]).values == ()
    assert declared(tmp_path, *steps, a=[1, 2, 6, 4]).values == (1, 2, 6, 4)


def test_places_in_several_axes_lie_in_the_smallest(tmp_path: Path) -> None:
    step = ("GATHER_ND", "data x", "out")
    assert declared(tmp_path, step, x=[5, 3]).rows == 1
    assert declared(tmp_path, step, x=[5, 2], data=[7, 9, 2, 4]).rows == 7


def test_an_input_without_a_name_is_called_by_its_place(tmp_path: Path) -> None:
    made = model(("ADD", "x y", "out"), inner=())
    for tensor in made.subgraphs[0].tensors:
        tensor.name = None
    path = tmp_path / "model.tflite"
    path.write_bytes(packed(made))
    assert [one.name for one in describe(path).inputs] == ["input 0", "input 1", "input 2"]
