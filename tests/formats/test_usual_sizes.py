"""The sizes that are tried where the made-up ones are refused: in which order, and for what."""

from __future__ import annotations

from itertools import islice

from dse.formats.description import DeclaredInput, ModelDescription
from dse.formats.dimensions import Choices, resolve_inputs
from dse.formats.usual_sizes import MAX_TRIED, USUAL, other_signatures

IMAGE = DeclaredInput("image", "float32", ("batch", 3, "height", "width"))
WAVE = DeclaredInput("wave", "float32", ("", ""))
STATE = DeclaredInput("state", "float32", (2, "", 128))


def tried(*inputs: DeclaredInput, **sizes: int) -> list[dict[str, int]]:
    described, choices = ModelDescription("onnx", inputs, "fp32"), Choices(sizes)
    default = resolve_inputs(inputs, choices)
    return [dict(one.sizes) for one in other_signatures(described, choices, default)]


def test_height_and_width_go_together() -> None:
    first, second, third, *_ = tried(IMAGE)
    assert first == {"height": 48, "width": 320}
    assert second == {"height": 32, "width": 320}
    assert third["height"] == third["width"]


def test_no_size_is_tried_twice_and_none_that_was_refused() -> None:
    for sizes in (tried(IMAGE), tried(IMAGE, height=48), tried(WAVE, STATE)):
        assert 1 < len(sizes) <= MAX_TRIED
        assert all(one not in sizes[:number] for number, one in enumerate(sizes))
    assert {"height": 224, "width": 224} not in tried(IMAGE)


def test_what_somebody_fixed_stays() -> None:
    assert {one["height"] for one in tried(IMAGE, height=40)} == {40}
    assert tried(IMAGE, height=48)[0] == {"height": 48, "width": 320}
    assert not tried(IMAGE, height=40, width=40)
    assert not tried(DeclaredInput("image", "float32", (1, 3, 8, 8)))


def test_the_batch_stays_and_one_kind_changes_after_the_other() -> None:
    sizes = tried(WAVE, STATE)
    assert {one["wave[0]"] for one in sizes} == {1}
    assert sizes[0] == {"wave[0]": 1, "wave[1]": 512, "state[1]": 1}
    assert {one["state[1]"] for one in sizes} > {1}


def test_the_same_sizes_lead_to_the_same_signature_as_by_option() -> None:
    described = ModelDescription("onnx", (IMAGE,), "fp32")
    default = resolve_inputs(described.inputs, Choices({}))
    (other,) = islice(other_signatures(described, Choices({}), default), 1)
    asked = resolve_inputs(described.inputs, Choices({"height": 48, "width": 320}))
    assert other.signature == asked.signature
    assert asked.made_up == ()
    assert other.made_up == ("height=48 (--dim height=SIZE)", "width=320 (--dim width=SIZE)")


def test_every_kind_of_dimension_has_other_sizes_than_its_own() -> None:
    assert all((kind,) not in sizes for kind, sizes in USUAL.items())
