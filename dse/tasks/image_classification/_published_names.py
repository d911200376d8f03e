"""Names of the catalogue's variants in published results."""

from __future__ import annotations

import re

_PRECISIONS = {
    "fp16": "fp16",
    "bf16": "bf16",
    "float": "fp32",
    "fp32": "fp32",
    "non-quantized": "fp32",
    "uint8": "int8",
    "int8": "int8",
    "quantized": "int8",
}
# Two organisations: `mobilenet-v1-precision_uint8-0.5-160`, `efficientnet-int8-lite0`; and
# `mobilenet-v1-0.5-160-quantized`, `mobilenet-v3-large_224_1.0_uint8`.
# And as `dse export` has them: `mobilenet-v1-0.5-160-int8`.
_FORMS = tuple(
    re.compile(form)
    for form in (
        r"(?P<head>mobilenet-v[12])-precision_(?P<precision>float|uint8|int8)-(?P<tail>[\d.]+-\d+)",
        r"(?P<head>mobilenet-v3)-precision_(?P<precision>float|uint8|int8)-(?P<tail>[a-z-]+)-224",
        r"(?P<head>efficientnet)-(?P<precision>fp32|int8)-(?P<tail>lite\d)",
        r"(?P<head>mobilenet-v[12])-(?P<tail>[\d.]+-\d+)-(?P<precision>(?:non-)?quantized)",
        r"(?P<head>mobilenet-v3)-(?P<tail>[a-z-]+)_224_1\.0_(?P<precision>float|uint8|int8)",
        r"(?P<head>efficientnet)-(?P<tail>lite\d)-(?P<precision>(?:non-)?quantized)",
        r"(?P<head>mobilenet-v[12])-(?P<tail>[\d.]+-\d+)-(?P<precision>fp32|fp16|bf16|int8)",
        r"(?P<head>mobilenet-v3)-(?P<tail>[a-z-]+)-(?P<precision>fp32|fp16|bf16|int8)",
        r"(?P<head>efficientnet)-(?P<tail>lite\d)-(?P<precision>fp32|fp16|bf16|int8)",
        r"(?P<head>resnet50)-(?P<tail>v1\.5)-(?P<precision>fp32|fp16|bf16|int8)",
    )
)


def published_variant(name: str) -> tuple[str, str] | None:
    """The model and precision, by the catalogue's names, of a name in MLPerf's result tables.

    Sizes that the catalogue lacks get a name of the same form; None for a name of another form.
    """
    for form in _FORMS:
        if found := form.fullmatch(name):
            return f"{found['head']}-{found['tail']}", _PRECISIONS[found["precision"]]
    return None
