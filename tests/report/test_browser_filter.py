"""The filter of the page: the language of `--where`, with the same meaning, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dse.core.errors import RequestError
from dse.derived._grammar import MAX_CHARACTERS, MAX_EXPRESSION_DEPTH
from dse.derived.derivation import Derivation
from dse.report.view import View
from tests.report.browser import column, find, write
from tests.report.conftest import LONG_NAME

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver

    from dse.study.study import Study

Verdicts = dict[int, bool | None] | None
"""Whether each point fits, by id, or None where nothing decides that; None for a wrong text."""

READ = """
const { kind, problem, verdict } = readFilter(arguments[0]);
const of = (row) => (verdict(row) === NONE ? null : verdict(row));
return { kind, problem, verdicts: [...rowById].map(([id, row]) => [id, of(row)]) };
"""


def read(driver: WebDriver, text: str) -> dict[str, Any]:
    """What the page makes of a text."""
    return dict(driver.execute_script(READ, text))


def in_page(driver: WebDriver, study: Study, text: str) -> Verdicts:
    found = read(driver, text)
    if found["problem"]:
        return None
    assert found["kind"] == "condition"
    measured = {r.id for r in study.records.values() if r.outcome.failure is None}
    return {id_: verdict for id_, verdict in found["verdicts"] if id_ in measured}


def in_python(study: Study, text: str) -> Verdicts:
    defined = f"{LONG_NAME} = latency_p90_ms * threads"
    try:
        view = View(study, Derivation.parse([defined], [text]))
        measured = [r for r in study.records.values() if r.outcome.failure is None]
        assessed = {record.id: view.assessed(record) for record in measured}
    except RequestError:
        return None
    return {id_: None if each.undecided else each.kept for id_, each in assessed.items()}


CONDITIONS = [
    "latency_p90_ms < 2 and threads <= 2",
    "threads != 2 or model == 'a'",
    "not pinned and pinned == false",
    "pinned == False and True and true",
    "model in ('a', 'c') and model not in ['b']",
    "threads in (1, 2,) and (threads) in [(1), 2] and model not in ()",
    "'epl' in backend",
    "'x' not in model",
    "1 < threads <= 2",
    "2 >= threads > 0 < batch_size",
    # What is not known decides nothing, unless the rest does.
    "delay_ms > 1",
    "delay_ms > 1 or threads == 1",
    "threads == 1 and delay_ms > 1",
    "not delay_ms == 1",
    "1 < delay_ms < latency_p90_ms",
    "5 < threads < delay_ms",
    "delay_ms in (1, 2)",
    "threads in (1, delay_ms)",
    "1 < (" * 24 + "energy_per_sample_mj < 1" + ") < 1" * 24,
    "energy_per_sample_mj < 5",
    "energy_per_sample_mj < 5 or model == 'a'",
    "latency_p90_ms_high - latency_p90_ms_low < 0.1",
    f"{LONG_NAME} / threads == latency_p90_ms",
    f"{LONG_NAME}_high > 1",
    "cpus >= 1 or ghz > 0 or cpu != ''",
    # Python's arithmetic.
    "-7 // 2 == -4 and -7 % 3 == 2 and 7 % -3 == -2",
    "7.5 // -2 == -4 and 7.5 % -2 == -0.5",
    "2 ** 3 ** 2 == 512 and -2 ** 2 == -4 and 2 ** -1 == 0.5",
    "round(2.5) == 2 and round(3.5) == 4 and round(-2.5) == -2 and round(2.675, 2) == 2.67",
    "round(1250, -2) == 1200 and round(1350, -2) == 1400 and round(0.125, 2) == 0.12",
    "max(threads, 1.5, batch_size) > 1.5 and min(threads, batch_size) == 1",
    "abs(-threads) == threads and sqrt(4) == 2 and log2(8) == 3 and log10(1000) > 2.9",
    "log(8, 2) > 2.9 and log(2) > 0.69",
    "log(0) > 1 or log(8, 0) > 1 or log(8, 1) > 1 or sqrt(-1) > 0",
    "1 / (threads - 1) > 0",
    "1 // (threads - 1) == 1 or 1 % (threads - 1) == 0",
    "(-8) ** 0.5 > 1 or 0 ** -1 > 0 or 1e300 * 1e300 > 1",
    "threads > 1 if model == 'a' else batch_size > 1",
    "latency_p90_ms < (2 if threads == 1 else 3 if batch_size == 1 else 1.5)",
    "1_000 > threads and .5 < 1. < 1.5e1",
    "model == \"a\" or model == 'it\\'s'",
    "\t threads>1\tand(batch_size>1) ",
]


@pytest.mark.parametrize("text", CONDITIONS)
def test_a_condition_keeps_the_same_points(
    opened: WebDriver, shown_study: Study, text: str
) -> None:
    expected = in_python(shown_study, text)
    assert expected is not None
    assert in_page(opened, shown_study, text) == expected


WRONG = [
    "threads = 2",
    "thread == 2",
    "THREADS == 2",
    "threads == '2'",
    "pinned == 1",
    "model < 'b'",
    "threads and (pinned)",
    "not threads",
    "threads > 1 if threads else pinned",
    "3 in model",
    "3 in threads",
    "threads in ('a', 1)",
    "round(2.5, 0.5) > 1",
    "-model == 1",
    "model + 'x' == 'ax'",
    "threads == not pinned",
    "(threads)",
    "(1, 2)",
    "[1] == [1]",
    "(1, 2) in model",
    "1 in (1, 2) < 3",
    "min > 1",
    "min(1) > 0",
    "abs(1, 2) > 1",
    "pow(2, 3) > 1",
    "threads >",
    "> 1",
    "(threads > 1",
    "threads > 1)",
    "threads > 1 2",
    "threads > 1 and",
    "threads > 1, 2",
    "1 if threads > 1",
    "007 > threads",
    "1e999 > threads",
    "0x > 1",
    "1_ > 1",
    "1if pinned else 2 > 1",
    "model.real > 1",
    "model[0] == 'a'",
    "threads & 1 > 0",
    "threads ! 2",
    "None == 1",
    "model == 'open",
    "model == '\\d'",
    "(lambda: 1)() > 0",
    "not " * (MAX_EXPRESSION_DEPTH + 1) + "pinned",
    "threads" + " + threads" * (MAX_EXPRESSION_DEPTH + 1) + " > 1",
    "threads > 1" + " or threads > 1" * MAX_CHARACTERS,
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_there_is_wrong_here(
    opened: WebDriver, shown_study: Study, text: str
) -> None:
    assert in_python(shown_study, text) is None
    assert in_page(opened, shown_study, text) is None


@pytest.mark.parametrize(
    "text",
    [
        "0x10 > threads",
        "threads > 1 # two",
        "model == 'a' 'b'",
        "model == r'a'",
        "model == 'a\\n'",
        f"threads < {2**53}",
        "(abs)(threads) > 1",
        "(" * 150 + "threads" + ")" * 150 + " > 1",
        "model == '\u202e'",
    ],
)
def test_what_the_page_does_not_take_is_told(
    opened: WebDriver, shown_study: Study, text: str
) -> None:
    assert in_python(shown_study, text) is not None
    assert in_page(opened, shown_study, text) is None


LEAVES = st.sampled_from(
    [
        *("threads", "batch_size", "delay_ms", "latency_p90_ms", "latency_p90_ms_low"),
        *("energy_per_sample_mj", "model", "backend", "pinned", "true", LONG_NAME),
        *("0", "1", "2", "2.5", "7", "1e-3", "'a'", "'null'", "'l'"),
    ]
)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arithmetic = st.sampled_from(["+", "-", "*", "/", "//", "%"])
    compare = st.sampled_from(["<", "<=", ">", ">=", "==", "!=", "in", "not in"])
    return (
        st.builds("({} {} {})".format, inner, arithmetic | compare, inner)
        | st.builds("{} {} {}".format, inner, st.sampled_from(["and", "or"]), inner)
        | st.builds("{} < {} <= {}".format, inner, inner, inner)
        | st.builds("({} if {} else {})".format, inner, inner, inner)
        | st.builds("{} in ({}, {})".format, inner, inner, inner)
        | st.builds("(not {})".format, inner)
        | st.builds("-{}".format, inner)
        | st.builds("{}({})".format, st.sampled_from(["abs", "round", "sqrt"]), inner)
        | st.builds("{}({}, {})".format, st.sampled_from(["max", "round"]), inner, inner)
    )


@given(st.recursive(LEAVES, _larger, max_leaves=10).map("({})".format))
@example("(7 // -2.5 == round(-2.8))")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_any_text_means_the_same(opened: WebDriver, shown_study: Study, text: str) -> None:
    assert in_page(opened, shown_study, text) == in_python(shown_study, text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("threads = 2", "write == to compare (character 9)"),
        ("thread == 2", "nothing is called 'thread'; did you mean 'threads'? (character 1)"),
        ("threads == 'many'", "'==' can't compare a number with text (character 9)"),
        ("model < 'a'", "'<' compares numbers, not text (character 7)"),
        ("threads > 1 2", "expected an operator, not '2' (character 13)"),
        ("threads >", "expected a value at the end (character 10)"),
        ("threads", "compare threads with something"),
    ],
)
def test_an_error_says_where(opened: WebDriver, text: str, problem: str) -> None:
    before = column(opened, "id")
    write(opened, "#filter", text)
    assert find(opened, "#filter-problem").text == f"not applied: {problem}"
    assert column(opened, "id") == before


def test_words_are_no_condition(opened: WebDriver) -> None:
    before = len(column(opened, "id"))
    write(opened, "#filter", "Null A")
    assert 0 < len(column(opened, "id")) < before
    assert set(column(opened, "backend")) == {"null"}
    assert find(opened, "#count").text.endswith("with these words")
    assert not read(opened, "mobilenet-v2-1.0/int8 a+b")["problem"]


def test_the_count_tells_what_is_not_decided(opened: WebDriver) -> None:
    write(opened, "#filter", "delay_ms > 1")
    assert "lack a value that would decide it" in find(opened, "#count").text


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("lat", "latency_p90_ms"),
        ("threads == 2 and mod", "threads == 2 and model"),
        ("backend == ", "backend == 'replay'"),
        ("backend in ('null', 're", "backend in ('null', 'replay'"),
        ("not pinned == ", "not pinned == false"),
    ],
)
def test_names_and_words_are_offered(opened: WebDriver, text: str, offered: str) -> None:
    write(opened, "#filter", text)
    entries = "return [...byId('filter').list.options].map((option) => option.value)"
    assert offered in opened.execute_script(entries)
