"""Made-up sizes that a model refuses: others are tried, one is taken, and both are told."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dse.commands.bench._fitting import TRYING, Refusal, try_sizes
from dse.core.measurement import Failure, FailureKind
from dse.core.signature import Signature
from dse.formats.dimensions import ResolvedSignature
from tests import any_models
from tests.any_models import write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

BRIEF = ("--threads", 1, "--duration", "0.02s")
DEFAULT = ResolvedSignature(Signature((), batched=False), {"side": 224})
OTHERS = tuple(replace(DEFAULT, sizes={"side": side}) for side in (48, 32))


def refusing(
    *refused: int, kind: FailureKind = FailureKind.UNSUPPORTED, message: str = "not"
) -> Any:
    def try_one(one: ResolvedSignature) -> list[Failure]:
        side = one.sizes["side"]
        return [Failure(kind, f"{message} {side}")] * refused.count(side)

    return try_one


def test_the_first_signature_that_runs_is_taken() -> None:
    for refused in ((), (224,), (224, 48)):
        fit = try_sizes(DEFAULT, OTHERS, 1, refusing(*refused))
        assert fit.chosen is (DEFAULT, *OTHERS)[len(refused)]
        assert fit.refused == tuple(Refusal({"side": s}, f"not {s}") for s in refused)


def test_where_none_runs_it_stays_with_the_default() -> None:
    fit = try_sizes(DEFAULT, OTHERS, 1, refusing(224, 48, 32))
    assert fit.chosen is DEFAULT
    assert len(fit.refused) == 3


def test_what_all_runtimes_take_comes_before_what_one_of_them_takes() -> None:
    fit = try_sizes(DEFAULT, OTHERS, 2, refusing(224, 48, 48))
    assert fit.chosen.sizes == {"side": 32}
    fit = try_sizes(DEFAULT, OTHERS, 2, refusing(224, 224, 48, 32))
    assert fit.chosen.sizes == {"side": 48}


@pytest.mark.parametrize("kind", [FailureKind.TIMEOUT, FailureKind.OUT_OF_MEMORY, FailureKind.LOAD])
def test_what_other_sizes_do_not_mend_ends_the_search(kind: FailureKind) -> None:
    fit = try_sizes(DEFAULT, OTHERS, 1, refusing(224, kind=kind))
    assert fit.chosen is DEFAULT
    assert len(fit.refused) == 1


def test_a_reason_that_is_not_one_of_sizes_ends_the_search() -> None:
    tries = {
        "c:Foo(-1) is not a registered function/op": 1,
        "thread limit: no room for 2 of the model": 1,
        "XNNPack delegate failed to reshape runtime": 3,
    }
    for message, count in tries.items():
        fit = try_sizes(DEFAULT, OTHERS, 1, refusing(224, 48, 32, message=message))
        assert len(fit.refused) == count


def test_other_sizes_are_taken_told_and_kept(command: Command, here: Path) -> None:
    words = ("bench", write(here, any_models.recogniser), *BRIEF, "--study", "kept")
    answer = command.good(*words, "--json")
    found = json.loads(answer.out)
    model = found["model"]
    assert model["open_dimensions"] == {"height": 48, "width": 320}
    assert model["inputs"][0]["shape"] == [1, 3, 48, 320]
    assert model["made_up"] == ["height=48 (--dim height=SIZE)", "width=320 (--dim width=SIZE)"]
    (refused,) = model["refused_sizes"]
    assert refused["sizes"] == {"height": 224, "width": 224}
    assert "Add" in refused["message"]
    (result,) = found["results"]
    assert result["failure"] is None
    assert result["scenarios"]["SingleStream"]["details"]["inputs"] == "image 1x3x48x320"
    told = "made up, and refused before these sizes were taken: height=224, width=224\n"
    assert told in answer.err
    assert TRYING in answer.err
    again = json.loads(command.good(*words, "--json").out)
    assert again["model"]["open_dimensions"] == model["open_dimensions"]
    assert again["results"] == found["results"]
    other = command(*words, "--dim", "height=48", "--dim", "width=64")
    assert (other.code, "was measured with another file or other inputs" in other.err) == (2, True)
