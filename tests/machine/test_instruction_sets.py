"""The instruction sets that runtimes choose by, of every architecture."""

from __future__ import annotations

import pytest

from dse.machine.instruction_sets import BF16, VNNI, instruction_sets, products_saturate


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"flags": "fpu avx2 avx512_vnni sse2 lahf_lm"}, ("avx2", "avx512_vnni", "sse2")),
        ({"Features": "fp asimd asimddp i8mm crc32"}, ("asimd", "asimddp", "i8mm")),
        ({"Features": "cpucfg lam lsx lasx"}, ("lasx", "lsx")),
        ({"features": "esan3 zarch vx sie"}, ("vx",)),
        ({"isa": "rv64imafdcv_zicntr_zba_zvfh"}, ("rv64imafdcv", "zba", "zvfh")),
        ({"isa": "rv64imafdc", "hart isa": "rv64imafdc_zbb"}, ("rv64imafdc", "zbb")),
        ({"flags": "fpu"}, ()),
        ({"cpu": "POWER9, altivec supported"}, None),
    ],
)
def test_those_of_one_cpu(block: dict[str, str], expected: tuple[str, ...] | None) -> None:
    assert instruction_sets([block]) == expected


def test_what_every_cpu_has_counts() -> None:
    assert instruction_sets([{"flags": "avx2 avx512f"}, {"flags": "avx2"}]) == ("avx2",)
    assert instruction_sets([]) is None


def test_vectors_of_sve_are_told_by_their_length() -> None:
    graviton3, graviton4 = ({"Features": "asimd sve"},), ({"Features": "asimd sve sve2"},)
    assert instruction_sets(graviton3, 32) == ("asimd", "sve", "sve:256")
    assert instruction_sets(graviton4, 16) == ("asimd", "sve", "sve2", "sve:128")
    assert instruction_sets([{"Features": "asimd"}], 32) == ("asimd",)


def test_the_kinds_that_others_ask_for_are_among_those_that_are_read() -> None:
    flags = " ".join((*BF16, *VNNI))
    assert set(instruction_sets([{"flags": flags}]) or ()) == {*BF16, *VNNI}


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        (("avx2", "fma"), True),
        (("avx2", "avx512f", "avx512bw"), True),
        (("avx2", "avx_vnni"), False),
        (("avx2", "avx512f", "avx512_vnni"), False),
        (("asimd", "asimddp"), False),
        ((), False),
        (None, False),
    ],
)
def test_where_products_of_8_bit_integers_saturate(
    sets: tuple[str, ...] | None, *, expected: bool
) -> None:
    assert products_saturate(sets) is expected
