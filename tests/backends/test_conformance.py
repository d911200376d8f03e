"""What every backend must do, whatever runtime is behind it.

A new runtime joins with a feed in `tests.backends.feeds`; for recordings see `test_recordings`.
"""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import onnx
import pytest

from dse.core.backend import (
    Buffered,
    Built,
    LoadError,
    Recording,
    Runtime,
    Streams,
    UnsupportedError,
    devices_of,
)
from dse.core.configuration import (
    CONFIGURATION_FIELDS,
    DEVICE,
    DEVICES,
    PRECISIONS,
    KnobValue,
    ModelFormat,
)
from dse.core.launcher import launch_command
from dse.core.metrics import METRICS
from dse.core.registry import BACKENDS, backend
from dse.core.worker_environment import worker_environment
from dse.formats.data_files import find_data_files
from dse.machine.detect import detect
from dse.machine.instruction_sets import ARM, X86
from tests.backends.feeds import FEEDS, Bench, later
from tests.backends.remote import FOLDERS, RemoteRuntime
from tests.small_models import CLASSES, OTHER_CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.backend import Model

RUNTIMES = [name for name in BACKENDS if isinstance(backend(name), Runtime)]
READERS = [name for name in RUNTIMES if backend(name).formats]
SPECIAL = [
    (knob.name, value, needed)
    for name in RUNTIMES
    for knob in backend(name).knobs
    for value, needed in knob.requires.items()
]
"""Values of knobs that not every CPU can compute with."""
RECORDINGS = [name for name in BACKENDS if isinstance(backend(name), Recording)]


def test_every_runtime_is_fed() -> None:
    assert {feed.backend for feed in FEEDS.values()} == set(RUNTIMES)
    assert set(RUNTIMES) <= set(FEEDS)
    assert set(RUNTIMES).isdisjoint(RECORDINGS)


@pytest.mark.parametrize("name", BACKENDS)
class TestEveryBackend:
    def test_it_says_what_it_reads_and_runs(self, name: str) -> None:
        found = backend(name)
        assert found.name == name
        assert set(found.formats) <= set(get_args(ModelFormat))
        assert set(found.precisions) <= set(PRECISIONS)
        assert set(devices_of(found)) <= set(DEVICES)
        assert "cpu" in devices_of(found)
        for names in (found.formats, found.precisions, found.settings):
            assert len(set(names)) == len(names)

    def test_its_knobs_are_well_formed(self, name: str) -> None:
        knobs = backend(name).knobs
        names = [knob.name for knob in knobs]
        assert len(set(names)) == len(names)
        taken = {*CONFIGURATION_FIELDS, DEVICE, *METRICS, *backend(name).settings, "id"}
        assert taken.isdisjoint(names)
        for knob in knobs:
            assert knob.name.isidentifier()
            assert knob.help.strip()
            assert isinstance(knob.default, get_args(KnobValue))
            assert {type(value) for value in knob.values} <= {type(knob.default)}
            assert not knob.values or knob.default in knob.values
            assert len(set(knob.values)) == len(knob.values)
            # What not every CPU has is no default, and is known by the names that CPUs are read by.
            assert set(knob.requires) <= set(knob.values) - {knob.default}
            assert all(needed and set(needed) <= X86 | ARM for needed in knob.requires.values())

    def test_it_holds_no_state(self, name: str) -> None:
        assert not getattr(backend(name), "__dict__", {})


@pytest.mark.parametrize("name", later(RUNTIMES))
def test_a_runtime_knows_its_version(name: str, runtimes: Callable[[str], Runtime]) -> None:
    version = runtimes(name).version()
    assert isinstance(version, str)
    assert version.strip() == version != ""


@pytest.mark.parametrize("name", later(RUNTIMES))
def test_what_a_build_lacks_is_a_value_that_is_known(
    name: str, runtimes: Callable[[str], Runtime]
) -> None:
    runtime = runtimes(name)
    if not isinstance(runtime, Built):
        return  # it has one build
    values = {knob.name: knob.values for knob in runtime.knobs}
    usual = {knob.name: knob.default for knob in runtime.knobs}
    for one in runtime.lacks():
        assert one.value in (devices_of(runtime) if one.name == DEVICE else values[one.name])
        assert one.value not in ("cpu", usual.get(one.name))
        assert one.reason.strip() == one.reason != ""


@pytest.mark.parametrize("name", [name for name in RUNTIMES if BACKENDS[name].python])
def test_an_old_runtime_has_the_numpy_it_needs(
    name: str, runtimes: Callable[[str], Runtime]
) -> None:
    runtime = runtimes(name)
    assert isinstance(runtime, RemoteRuntime)
    assert runtime.numpy().startswith("1.26.")
    assert int(np.__version__.partition(".")[0]) >= 2


@pytest.fixture
def bench(feed: str, runtimes: Callable[[str], Runtime], request: pytest.FixtureRequest) -> Bench:
    return Bench(FEEDS[feed], runtimes(FEEDS[feed].backend), FEEDS[feed].file(request))


def sizes(bench: Bench) -> list[int]:
    return [size for size in (1, 2, 3, 16) if size <= bench.feed.largest_batch]


def scores_of(model: Model, samples: NDArray[Any]) -> NDArray[np.generic]:
    return model.predict(model.bind(samples))


def outputs_of(model: Model, samples: NDArray[Any]) -> list[tuple[str, NDArray[Any]]]:
    """What a model has computed."""
    found = model.outputs(model.bind(samples))
    return [(name, array) for name, array in found if array is not None]


def predicted(
    bench: Bench,
    samples: NDArray[np.generic],
    threads: int = 1,
    knobs: Mapping[str, KnobValue] | None = None,
) -> NDArray[np.generic]:
    """The scores of a batch, by a model loaded for it alone."""
    model = bench.load(len(samples), threads, knobs)
    scores = scores_of(model, samples).copy()
    model.close()
    return scores


@pytest.mark.parametrize("feed", later(FEEDS))
class TestRuntime:
    def test_scores_have_a_row_for_each_sample(self, bench: Bench) -> None:
        for size in sizes(bench):
            scores = predicted(bench, bench.batch(size))
            assert scores.shape == (size, bench.feed.classes)
            assert np.issubdtype(scores.dtype, np.number)
            assert np.isfinite(scores).all()

    def test_equal_inputs_have_equal_scores(self, bench: Bench) -> None:
        size = sizes(bench)[-1]
        model = bench.load(size)
        first = scores_of(model, bench.batch(size)).copy()
        scores_of(model, bench.batch(size, seed=1))
        np.testing.assert_array_equal(scores_of(model, bench.batch(size)), first)
        model.close()
        np.testing.assert_array_equal(predicted(bench, bench.batch(size)), first)

    def test_a_batch_scores_as_its_samples_do(self, bench: Bench) -> None:
        samples = bench.batch(sizes(bench)[-1])
        together = predicted(bench, samples)
        model = bench.load(1)
        for i in range(len(samples)):
            bench.agree(scores_of(model, samples[i : i + 1]), together[i : i + 1])
        model.close()

    def test_different_samples_have_different_scores(self, bench: Bench) -> None:
        if bench.feed.backend == "null":
            return  # a constant answer is its purpose
        one, other = predicted(bench, bench.batch(1)), predicted(bench, bench.batch(1, seed=1))
        assert not np.array_equal(one, other)

    def test_threads_do_not_change_scores(self, bench: Bench) -> None:
        samples = bench.batch(sizes(bench)[-1])
        bench.agree(predicted(bench, samples, threads=1), predicted(bench, samples, threads=2))

    def test_every_value_of_every_knob_loads_and_agrees(self, bench: Bench) -> None:
        samples = bench.batch(sizes(bench)[-1])
        usual = predicted(bench, samples)
        built = bench.runtime
        lacks = built.lacks() if isinstance(built, Built) else ()
        refused = {*bench.feed.refused, *((one.name, one.value) for one in lacks)}
        for knob in bench.runtime.knobs:
            for value in knob.values or bench.feed.values[knob.name]:
                if value in knob.requires:
                    continue  # not on every CPU: it has a test of its own
                if (knob.name, value) in refused:
                    with pytest.raises(UnsupportedError):
                        predicted(bench, samples, knobs={knob.name: value})
                else:
                    scores = predicted(bench, samples, knobs={knob.name: value})
                    bench.agree(scores, usual, value)
                    assert knob.numeric or np.array_equal(scores, usual)

    @pytest.mark.parametrize(("name", "value", "needed"), SPECIAL)
    def test_a_value_that_takes_instructions_loads_and_agrees(
        self, bench: Bench, name: str, value: KnobValue, needed: tuple[str, ...]
    ) -> None:
        if name not in {knob.name for knob in bench.runtime.knobs}:
            return  # it is another runtime's
        has = detect().instruction_sets
        if has is None or not set(needed) & set(has):
            pytest.skip(f"this CPU has no {value} instructions")
        samples = bench.batch(sizes(bench)[-1])
        if (name, value) in bench.feed.refused:
            with pytest.raises(UnsupportedError):
                predicted(bench, samples, knobs={name: value})
            return
        scores = predicted(bench, samples, knobs={name: value})
        bench.agree(scores, predicted(bench, samples), value)

    def test_its_outputs_begin_with_what_it_predicts(self, bench: Bench) -> None:
        size = sizes(bench)[-1]
        model = bench.load(size)
        for seed in (0, 1):
            batch = bench.batch(size, seed=seed)
            found = [(name, array.copy()) for name, array in outputs_of(model, batch)]
            assert len({name for name, _ in found}) == len(found) > 0
            assert all(name for name, _ in found)
            np.testing.assert_array_equal(found[0][1], scores_of(model, batch))
        model.close()

    def test_a_closed_model_can_be_loaded_again(self, bench: Bench) -> None:
        scores = [predicted(bench, bench.batch(1)) for _ in range(4)]
        assert all(np.array_equal(again, scores[0]) for again in scores)

    def test_the_input_stays_as_it_was(self, bench: Bench) -> None:
        samples = bench.batch(1)
        before = samples.copy()
        model = bench.load(1)
        bound = model.bind(samples)
        for _ in range(2):
            model.predict(bound)
            np.testing.assert_array_equal(samples, before)
        model.close()

    def test_what_is_written_into_a_bound_batch_is_predicted(self, bench: Bench) -> None:
        size = sizes(bench)[-1]
        model = bench.load(size)
        samples, later = bench.batch(size), bench.batch(size, seed=1)
        bound, other = model.bind(samples), model.bind(later.copy())
        first = model.predict(bound).copy()
        samples[:] = later
        bench.agree(model.predict(bound), model.predict(other).copy())
        samples[:] = bench.batch(size)
        np.testing.assert_array_equal(model.predict(bound), first)
        model.close()

    def test_a_buffer_of_its_own_is_predicted_as_any_batch(self, bench: Bench) -> None:
        size = sizes(bench)[-1]
        model = bench.load(size)
        if isinstance(model, Buffered):
            buffer = model.buffer()
            assert buffer.flags.c_contiguous
            assert buffer.shape == bench.batch(size).shape
            assert str(buffer.dtype) == bench.feed.dtype
            bound = model.bind(buffer)
            for seed in (0, 1, 0):
                plain = model.predict(model.bind(bench.batch(size, seed=seed))).copy()
                buffer[:] = bench.batch(size, seed=seed + 5)
                buffer[:] = bench.batch(size, seed=seed)
                np.testing.assert_array_equal(model.predict(bound), plain)
                np.testing.assert_array_equal(model.predict(bound), plain)  # it is not used up
        model.close()

    def test_streams_predict_at_a_time(self, bench: Bench) -> None:
        if "streams" not in {knob.name for knob in bench.runtime.knobs}:
            return  # it has one alone
        size = sizes(bench)[-1]
        samples = [bench.batch(size, seed) for seed in range(4)]
        alone = [predicted(bench, each) for each in samples]
        model = bench.load(size, threads=2, knobs={"streams": 2})
        assert isinstance(model, Streams)
        streams = model.streams()
        assert len(streams) == 2
        with ThreadPoolExecutor(2) as pool:
            for turn in range(0, 4, 2):
                pair = samples[turn : turn + 2]
                found = pool.map(lambda s, x: scores_of(s, x).copy(), streams, pair)
                for scores, expected in zip(found, alone[turn : turn + 2], strict=True):
                    bench.agree(scores, expected)
        bench.agree(scores_of(model, samples[0]), alone[0])
        model.close()

    def test_two_models_at_once_do_not_mix(self, bench: Bench) -> None:
        size = sizes(bench)[-1]
        alone = [predicted(bench, bench.batch(size)), predicted(bench, bench.batch(1, seed=1))]
        one, other = bench.load(size, threads=2), bench.load(1)
        for _ in range(2):
            bench.agree(scores_of(one, bench.batch(size)), alone[0])
            bench.agree(scores_of(other, bench.batch(1, seed=1)), alone[1])
        one.close()
        bench.agree(scores_of(other, bench.batch(1, seed=1)), alone[1])
        other.close()

    def test_a_batch_beyond_what_the_model_takes_is_refused(
        self, bench: Bench, tmp_path: Path
    ) -> None:
        if not bench.runtime.formats:
            return  # there is no model that could be too small
        file = bench.file
        if bench.feed.largest_batch > 1:
            kind = bench.runtime.formats[0]
            file = tmp_path / f"fixed.{kind}"
            file.write_bytes(bench.feed.small(kind, fixed_batch=True))
            bench = Bench(FEEDS[bench.feed.backend], bench.runtime, file)
        alone = scores_of(bench.load(1), bench.batch(1)).copy()
        if bench.feed.frees_batch:
            bench.agree(scores_of(bench.load(4), bench.batch(4))[:1], alone)
            return
        with pytest.raises(Exception, match=r"."):  # at loading, or at the first prediction
            scores_of(bench.load(4), bench.batch(4))


@pytest.mark.parametrize("feed", later(READERS))
class TestModelFiles:
    @pytest.mark.parametrize(
        "content",
        [b"", b"\0", b"no model at all\n" * 100, b"TFL3" * 50, bytes(range(256)) * 20],
        ids=["empty", "zero", "text", "magic", "bytes"],
    )
    def test_what_is_no_model_can_not_be_loaded(
        self, bench: Bench, content: bytes, tmp_path: Path
    ) -> None:
        file = tmp_path / f"no-model.{bench.runtime.formats[0]}"
        file.write_bytes(content)
        with pytest.raises(LoadError, match=r"."):
            bench.load(file=file)

    def test_what_is_not_there_can_not_be_loaded(self, bench: Bench, tmp_path: Path) -> None:
        for name in ("missing", "folder"):
            file = tmp_path / f"{name}.{bench.runtime.formats[0]}"
            with pytest.raises(LoadError, match=r"."):
                bench.load(file=file)
            (tmp_path / f"folder.{bench.runtime.formats[0]}").mkdir(exist_ok=True)

    def test_a_model_with_two_inputs_is_not_supported(self, bench: Bench, tmp_path: Path) -> None:
        kind = bench.runtime.formats[0]
        file = tmp_path / f"two.{kind}"
        file.write_bytes(bench.feed.small(kind, inputs=2))
        with pytest.raises(UnsupportedError, match="2 inputs, not one"):
            bench.load(file=file)

    def test_of_several_outputs_the_one_with_the_classes_has_the_scores(
        self, bench: Bench, tmp_path: Path
    ) -> None:
        kind = bench.runtime.formats[0]
        file = tmp_path / f"heads.{kind}"
        file.write_bytes(bench.feed.small(kind, heads=2))
        batch = bench.batch(2)
        single = bench.load(2)
        expected = {CLASSES: scores_of(single, batch).copy()}
        expected[OTHER_CLASSES] = expected[CLASSES][:, :OTHER_CLASSES]
        single.close()
        for classes, width in ((CLASSES, CLASSES), (OTHER_CLASSES, OTHER_CLASSES), (None, 7)):
            model = bench.load(2, file=file, classes=classes)
            bench.agree(scores_of(model, batch), expected[width])
            listed = model.outputs(model.bind(batch))
            assert len(listed) == 2
            np.testing.assert_array_equal(listed[0][1], scores_of(model, batch))
            model.close()
        with pytest.raises(UnsupportedError) as caught:
            scores_of(bench.load(2, file=file, classes=1000), batch)
        assert str(caught.value).startswith("no output has 1000 scores per sample: ")
        assert "x7" in str(caught.value)
        assert "x10" in str(caught.value)

    def test_weights_may_lie_beside_it(self, bench: Bench, tmp_path: Path) -> None:
        if bench.runtime.formats[0] != "onnx":
            return  # the format has no place for it
        assert bench.file is not None
        file = tmp_path / "apart.onnx"
        onnx.save(
            onnx.load(bench.file),
            file,
            save_as_external_data=True,
            location="apart.data",
            size_threshold=100,  # as exporters do: small constants are needed to infer shapes
        )
        assert [path.name for path in find_data_files(file, "onnx")] == ["apart.data"]
        samples = bench.batch(2)
        expected = predicted(bench, samples)
        apart = Bench(bench.feed, bench.runtime, file)
        if not bench.feed.beside:
            with pytest.raises(UnsupportedError, match="in another file"):
                apart.load()
            return
        np.testing.assert_array_equal(predicted(apart, samples), expected)
        data = tmp_path / "apart.data"
        data.write_bytes(bytes(data.stat().st_size))
        assert not np.array_equal(predicted(apart, samples), expected)

    def test_a_wrong_input_raises(self, bench: Bench) -> None:
        model = bench.load(2)
        for wrong in (bench.batch(2)[..., :-1].copy(), bench.batch(2).astype(np.int64)):
            with pytest.raises(Exception, match=r"."):
                scores_of(model, wrong)
        assert len(scores_of(model, bench.batch(2))) == 2
        model.close()

    def test_a_model_cut_short_never_takes_the_interpreter_with_it(
        self, bench: Bench, pythons: Callable[[str], str], tmp_path: Path
    ) -> None:
        assert bench.file is not None
        python = pythons(bench.feed.backend)
        size = bench.file.stat().st_size
        lengths = [*range(0, size, size // 200), *range(size - 16, size)]
        words = [bench.feed.backend, str(bench.file), str(tmp_path), *map(str, lengths)]
        ended = subprocess.run(
            launch_command(python, "tests.backends.truncated", *words, folders=FOLDERS),
            capture_output=True,
            text=True,
            timeout=120,
            env=worker_environment(python),
        )
        assert ended.returncode == 0, ended.stderr
        outcomes = json.loads(ended.stdout)
        assert len(outcomes) == len(set(lengths))
        assert set(outcomes.values()) <= {"LoadError", "UnsupportedError"}
