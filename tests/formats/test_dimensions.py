"""Sizes for open dimensions, and what inputs are filled with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.errors import RequestError
from dse.formats._fills import SAFE_BOUND
from dse.formats.description import DeclaredInput
from dse.formats.dimensions import Choices, ResolvedSignature, resolve_inputs

BERT = [
    DeclaredInput(name, "int64", ("batch_size", "sequence_length"), rows)
    for name, rows in (("input_ids", 30522), ("attention_mask", None), ("token_type_ids", 2))
]


def of(*declared: DeclaredInput, vocabulary: int | None = None, **sizes: int) -> ResolvedSignature:
    return resolve_inputs(declared, Choices(sizes, vocabulary))


def shapes(found: ResolvedSignature) -> list[tuple[int, ...]]:
    return [one.shape for one in found.signature.inputs]


def test_bert() -> None:
    found = of(*BERT)
    assert shapes(found) == [(1, 128)] * 3
    assert found.sizes == {"sequence_length": 128}
    assert found.signature.batched
    ids, mask, kinds = found.signature.inputs
    assert (ids.fill, ids.bound) == ("ids", 30522)
    assert (mask.fill, kinds.fill) == ("ones", "zeros")
    assert shapes(of(*BERT, sequence_length=384)) == [(1, 384)] * 3


@pytest.mark.parametrize(
    ("dtype", "dims", "shape"),
    [
        ("float32", ("N", 3, "height", "width"), (1, 3, 224, 224)),
        ("float32", ("batch", "C", "H", "W"), (1, 3, 224, 224)),
        ("float32", ("x[0]", 3, "x[2]", "x[3]"), (1, 3, 224, 224)),
        ("float32", ("x[0]", "x[1]", "x[2]", 3), (1, 224, 224, 3)),
        ("uint8", (1, "x[1]", "x[2]", 3), (1, 224, 224, 3)),
        ("float32", ("unk__12", 3, 96, 96), (1, 3, 96, 96)),
        ("float32", ("batch", "num_samples"), (1, 16000)),
        ("float32", ("x[0]", "x[1]"), (1, 16000)),
        ("int64", ("x[0]", "x[1]"), (1, 128)),
        ("float32", ("batch", 80, "frames"), (1, 80, 100)),
        ("float32", ("batch", "seq", 64), (1, 128, 64)),
        ("float32", ("b", 8, "past_sequence_length", 64), (1, 8, 0, 64)),
        ("int64", ("batch", "past_sequence_length + 1"), (1, 1)),
        ("int64", ("batch", "past_length+seq_length"), (1, 128)),
        ("float32", ("batch", "2*seq_len"), (1, 256)),
        ("float32", (1, 10), (1, 10)),
        ("float32", ("None", 3, "None", "None"), (1, 3, 224, 224)),
        ("float32", ("?", "?", "?", 3), (1, 224, 224, 3)),
        ("uint8", ("", "-1", "-1", 3), (1, 224, 224, 3)),
        ("float32", ("unk__5", 1, "unk__6", "unk__6"), (1, 1, 224, 224)),
        ("int64", ("unk", "unk"), (1, 128)),
        ("float32", ("N", 3, "floor(H/2)", "(W - 1)//2 + 1"), (1, 3, 112, 112)),
        ("float32", ("batch", "Max(0, past - 1)", 8), (1, 0, 8)),
        ("int64", ("batch", "total_sequence - past"), (1, 128)),
        ("float32", ("batch", 0, 64), (1, 0, 64)),
        ("float32", ("batch", "16"), (1, 16)),
    ],
)
def test_open_dimensions_have_the_sizes_that_their_names_say(
    dtype: str, dims: tuple[int | str, ...], shape: tuple[int, ...]
) -> None:
    found = of(DeclaredInput("x", dtype, dims))
    assert shapes(found) == [shape]
    assert found.signature.batched


@pytest.mark.parametrize(
    "dims",
    [
        *((4, 10), (), ("sequence", "batch"), (2, "batch", 128), ("num_samples",), (0,)),
        *(("2*batch", 4), ("batch", "batch + 1")),
    ],
)
def test_without_a_batch_in_front_a_call_is_a_sample(dims: tuple[int | str, ...]) -> None:
    other = DeclaredInput("x", "float32", ("batch", 3))
    assert not of(DeclaredInput("state", "float32", dims)).signature.batched
    assert not of(other, DeclaredInput("state", "float32", dims)).signature.batched


def test_each_dimension_without_a_name_has_its_own_place() -> None:
    image = DeclaredInput("image", "float32", ("None", 3, "None", "None"))
    found = of(image, **{"image[2]": 48})
    assert shapes(found) == [(1, 3, 48, 224)]
    assert found.sizes == {"image[2]": 48, "image[3]": 224}
    assert found.signature.batched


def test_the_names_in_expressions_are_those_of_other_dimensions() -> None:
    image = DeclaredInput("image", "float32", ("batch", 3, "H", "W"))
    mask = DeclaredInput("mask", "bool", ("batch", "H//8", "ceil(W/8)"))
    found = of(image, mask, H=64, W=90)
    assert shapes(found) == [(1, 3, 64, 90), (1, 8, 12)]
    assert found.sizes == {"H": 64, "W": 90}


@pytest.mark.parametrize(
    ("dim", "words"),
    [
        (
            "Piecewise((H, W))",
            "dimension 'Piecewise((H, W))' of the input 'x' can't be computed",
        ),
        ("height/3", "can't be computed: it comes to 224/3; choose it with --dim 'height/3=SIZE'"),
        ("past - 1", "it comes to -1"),
        ("height//past", "it divides by 0"),
    ],
)
def test_an_expression_without_a_value_is_refused_by_name(dim: str, words: str) -> None:
    with pytest.raises(RequestError) as caught:
        of(DeclaredInput("x", "float32", ("batch", 3, dim)))
    assert words in str(caught.value)
    chosen = of(DeclaredInput("x", "float32", ("batch", 3, dim)), **{dim: 9})
    assert shapes(chosen) == [(1, 3, 9)]


def test_a_fixed_1_beside_an_open_batch_is_not_the_batch() -> None:
    image, fixed = (
        DeclaredInput("image", "float32", ("batch", 4)),
        DeclaredInput("scale", "float32", (1,)),
    )
    assert not of(image, fixed).signature.batched
    assert not of(fixed, DeclaredInput("image", "float32", ("image[0]", 4))).signature.batched
    # Where nothing is open a runtime may be able to change it.
    assert of(fixed, DeclaredInput("image", "float32", (1, 4))).signature.batched


def test_an_amount_is_not_a_sample() -> None:
    steps = DeclaredInput("steps", "int64", (1,), role="size")
    assert not of(DeclaredInput("image", "float32", (1, 4)), steps).signature.batched
    lengths = DeclaredInput("lengths", "int64", ("batch",), role="size")
    assert of(DeclaredInput("sound", "float32", ("batch", "samples")), lengths).signature.batched


def test_what_has_no_elements_decides_nothing() -> None:
    found = of(
        DeclaredInput("x", "float32", (2, 3)), DeclaredInput("axes", "int64", (0,), role="axes")
    )
    assert (found.deciding, found.made_up) == ((), ())


def test_what_was_made_up_is_told() -> None:
    inputs = (
        DeclaredInput("image", "float32", ("batch", 3, "height", "width")),
        DeclaredInput("steps", "int64", (), role="size"),
        DeclaredInput("k", "int64", (), role="size"),
        DeclaredInput("prompt", "int64", ("batch", 77)),
        DeclaredInput("words", "int64", ("batch", 77), 9),
    )
    found = resolve_inputs(inputs, Choices({"height": 64}, None, {"k": "5"}))
    assert found.deciding == ("steps", "k")
    assert found.made_up == (
        "batch=1 (--dim batch=SIZE)",
        "width=224 (--dim width=SIZE)",
        "steps (--input steps=VALUE)",
        "prompt below 100 (--vocabulary NUMBER or --input prompt=VALUE)",
    )


@given(st.integers(0, 2**20))
def test_any_size_can_be_chosen(size: int) -> None:
    found = of(DeclaredInput("x", "uint8", ("batch", "odd_name")), odd_name=size)
    assert shapes(found) == [(1, size)]
    assert found.sizes == {"odd_name": size}


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"sequence": 8}, ("no open dimension 'sequence'", "did you mean 'sequence_length'")),
        ({"batch_size": 8}, ("'batch_size' is the batch", "--batch-size")),
        ({"sequence_length": 2**30}, ("can't be 1073741824",)),
    ],
)
def test_a_wrong_size(sizes: dict[str, int], words: tuple[str, ...]) -> None:
    with pytest.raises(RequestError) as caught:
        resolve_inputs(BERT, Choices(sizes))
    assert all(word in str(caught.value) for word in ("--dim: ", *words)), caught.value


@pytest.mark.parametrize("dtype", ["string", "complex64", "bfloat16", "type 99"])
def test_an_input_that_is_not_numeric_is_refused(dtype: str) -> None:
    with pytest.raises(RequestError, match=f"'x' has type {dtype}"):
        of(DeclaredInput("x", dtype, ("batch",)))


def test_a_sample_beyond_all_memory_is_refused() -> None:
    with pytest.raises(RequestError, match=r"one sample takes 64\.0 GiB; give another model"):
        of(DeclaredInput("x", "float32", (1, 1 << 17, 1 << 17)))
    with pytest.raises(RequestError, match=r"; choose smaller sizes with --dim"):
        of(DeclaredInput("x", "float32", (1, "width", 1 << 30)))


@pytest.mark.parametrize(
    ("declared", "fill", "bound"),
    [
        (DeclaredInput("input_ids", "int64", ("b", 8)), "ids", SAFE_BOUND),
        (DeclaredInput("input_ids", "int32", ("b", 8), 7), "ids", 7),
        (DeclaredInput("position_ids", "int64", ("b", 8), 512), "positions", 512),
        (DeclaredInput("position_ids", "int64", ("b", 8)), "positions", 0),
        (DeclaredInput("segment_ids", "int32", ("b", 8), 2), "zeros", 0),
        (DeclaredInput("input_mask", "int32", ("b", 8)), "ones", 0),
        (DeclaredInput("mask", "float32", ("b", 8)), "ones", 0),
        (DeclaredInput("decoder_attention_mask", "bool", ("b", 8)), "ones", 0),
        (DeclaredInput("use_cache_branch", "bool", (1,)), "zeros", 0),
        (DeclaredInput("flags", "bool", ("b", 8)), "noise", 0),
        (DeclaredInput("image", "uint8", ("b", 8)), "noise", 0),
        (DeclaredInput("image", "float16", ("b", 8)), "noise", 0),
    ],
)
def test_names_and_types_say_what_to_fill_in(
    declared: DeclaredInput, fill: str, bound: int
) -> None:
    (one,) = of(declared).signature.inputs
    assert (one.fill, one.bound) == (fill, bound)


def test_a_vocabulary_counts_where_no_table_tells() -> None:
    ids = of(DeclaredInput("ids", "int64", ("b", 8)), vocabulary=30000).signature.inputs
    known = of(DeclaredInput("ids", "int64", ("b", 8), 7), vocabulary=30000).signature.inputs
    assert (ids[0].bound, known[0].bound) == (30000, 7)
