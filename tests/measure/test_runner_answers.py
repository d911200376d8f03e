"""What a worker says, in whatever pieces and with however much noise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dse.core.measurement import FailureKind, Outcome
from dse.core.metrics import LATENCY
from dse.measure import runner
from dse.measure.runner import TAIL_BYTES, TAIL_LINES, Limits, run_worker
from dse.measure.spec import STDERR_FILE
from tests.measure.specs import PATIENCE_S, scripted, spec, wrapper

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LIMITS = Limits(timeout_s=PATIENCE_S, memory_bytes=0)


def failure(outcome: Outcome) -> tuple[FailureKind, str]:
    assert outcome.failure is not None
    return outcome.failure.kind, outcome.failure.message


def test_a_chatty_worker_is_not_blocked(tmp_path: Path) -> None:
    noise = "head -c 3000000 /dev/zero | tr '\\0' 'x'"
    python = wrapper(tmp_path, f"{noise}; {noise} >&2; echo")
    wanted = spec(tmp_path, LATENCY.name, knobs={"delay_ms": 1.0})
    outcome = run_worker(wanted, LIMITS, interpreter=str(python.path))
    assert outcome.failure is None
    assert list(outcome.values) == [LATENCY.name]
    assert (wanted.folder / STDERR_FILE).stat().st_size == 6_000_001


def test_only_the_end_of_what_it_said_is_kept(tmp_path: Path) -> None:
    python = scripted(
        tmp_path,
        "for i in range(20_000): print('line', i, 'ä' * 30, flush=False)\nsys.exit(3)",
    )
    outcome = run_worker(spec(tmp_path, LATENCY.name), LIMITS, interpreter=str(python))
    assert outcome.failure is not None
    lines = outcome.failure.stderr_tail.splitlines()
    assert len(lines) <= TAIL_LINES
    assert len(outcome.failure.stderr_tail.encode()) <= TAIL_BYTES
    assert lines[-1].startswith("line 19999 ")
    assert failure(outcome) == (
        FailureKind.CRASH,
        f"the worker ended with exit code 3 and no answer: {lines[-1]}",
    )


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", "the worker ended with exit code 0 and no answer"),
        ("os._exit(9)", "the worker ended with exit code 9 and no answer"),
        (
            "raise RuntimeError('unforeseen')",
            "the worker ended with exit code 1 and no answer: RuntimeError: unforeseen",
        ),
        ("print('closes'); os.closerange(3, 99)", "exit code 0 and no answer: closes"),
    ],
)
def test_a_worker_without_an_answer_is_a_crash(code: str, message: str, tmp_path: Path) -> None:
    python = scripted(tmp_path, code)
    outcome = run_worker(spec(tmp_path, LATENCY.name), LIMITS, interpreter=str(python))
    kind, found = failure(outcome)
    assert kind is FailureKind.CRASH
    assert found.endswith(message)


def test_memory_that_ran_out_in_the_runtimes_own_code(tmp_path: Path) -> None:
    python = scripted(tmp_path, "print('what():  std::bad_alloc', flush=True); os.abort()")
    outcome = run_worker(spec(tmp_path, LATENCY.name), LIMITS, interpreter=str(python))
    expected = "memory ran out; the worker was ended by SIGABRT"
    assert failure(outcome) == (FailureKind.OUT_OF_MEMORY, expected)


LINE = {
    "metric": LATENCY.name,
    "value": 1.5,
    "key": "k",
    "source": "measured",
    "fidelity": "probe",
    "run": "r",
    "interval": None,
    "seconds": 1.0,
    "details": {},
}


@pytest.mark.parametrize(
    ("tail", "check"),
    [
        ("", lambda outcome: failure(outcome)[0] is FailureKind.CRASH),
        ("answer(line[:20])", lambda outcome: failure(outcome)[0] is FailureKind.CRASH),
        ("answer(done); time.sleep(600)", lambda outcome: outcome.failure is None),
        ("answer(done[:7]); time.sleep(.2); answer(done[7:])", lambda o: o.failure is None),
        ("answer(b'noise\\n\\n[]\\n' + done)", lambda outcome: outcome.failure is None),
    ],
    ids=["nothing more", "cut short", "lingers", "in pieces", "with noise"],
)
def test_however_the_answer_comes(
    tail: str, check: Callable[[Outcome], bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "EXIT_GRACE_S", 0.5)
    line = json.dumps({"kind": "measurement", "body": LINE})
    code = f'line = b\'{line}\\n\'\ndone = b\'{{"kind": "done", "body": {{}}}}\\n\'\n'
    python = scripted(tmp_path, f"{code}answer(line)\n{tail}")
    outcome = run_worker(spec(tmp_path, LATENCY.name), LIMITS, interpreter=str(python))
    assert outcome.values == {LATENCY.name: 1.5}
    assert check(outcome)
