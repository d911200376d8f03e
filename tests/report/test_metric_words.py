"""What metrics are called; the options of `dse pick` among it are there, and are taken."""

from __future__ import annotations

from dse.cli.pick import pick
from dse.core.metrics import LATENCY, METRICS, MULTI_STREAM
from dse.report.metric_words import (
    METRIC_WORDS,
    SHORT_NAMES,
    limit_option,
    metric_option,
    short_name,
)
from dse.tasks.image_classification._quality import ACCURACY

OPTIONS = {name for parameter in pick.params for name in parameter.opts}


def test_every_limit_has_the_option_that_keeps_it() -> None:
    found = {name: limit_option(name) for name in METRICS}
    known = {name: option for name, option in found.items() if option is not None}
    assert {option for option, _ in known.values()} == {
        name for name in OPTIONS if name.startswith(("--max-", "--min-"))
    }
    for name, (option, unit) in known.items():
        way = "max" if METRICS[name].direction == "minimize" else "min"
        assert option.startswith(f"--{way}-")
        parameter = next(each for each in pick.params if option in each.opts)
        assert parameter.type.convert(f"7.5{unit}", None, None) == 7.5
    assert limit_option(MULTI_STREAM.name) is None


def test_a_metric_has_one_short_name() -> None:
    assert metric_option(LATENCY.name) == "--minimize latency"
    assert metric_option(ACCURACY.name) == "--maximize accuracy"
    assert short_name("per_dollar") == "per_dollar"
    assert {short_name(name) for name in SHORT_NAMES.values()} == set(SHORT_NAMES)


def test_one_table_has_the_words_of_every_metric_that_is_no_tasks() -> None:
    assert set(METRIC_WORDS) == {name for name, metric in METRICS.items() if not metric.quality}
