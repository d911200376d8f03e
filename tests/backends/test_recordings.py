"""What every backend must do that answers from a record instead of running anything."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

import pytest

from dse.core.backend import LoadError, LoadRequest, Recording, UnsupportedError
from dse.core.configuration import Configuration
from dse.core.errors import RequestError
from dse.core.registry import BACKENDS, backend

if TYPE_CHECKING:
    from pathlib import Path

RECORDINGS = [name for name in BACKENDS if isinstance(backend(name), Recording)]

HEADER = "model,precision,backend,threads,batch_size,latency_p90_ms,failure\n"
ROWS = {
    "runs": "m,fp32,ort,2,8,1.5,\n",
    "fails": "m,int8,ort,2,8,,the runtime says no\n",
    "other": "m,fp32,lite,2,8,9.5,\n",
}


@pytest.mark.parametrize("name", RECORDINGS)
class TestRecording:
    def recall(self, name: str, table: Path, **change: str | int) -> dict[str, float]:
        found = backend(name)
        assert isinstance(found, Recording)
        fields = {"model": "m", "precision": "fp32", "threads": 2, "batch_size": 8, **change}
        configuration = Configuration.from_dict({"runtime": "ort", "backend": name, **fields})
        request = LoadRequest(configuration, None, {"table": table})
        return found.recall(request, ("latency_p90_ms",))

    def check(self, name: str, table: Path) -> None:
        found = backend(name)
        assert isinstance(found, Recording)
        found.check({"table": table}, ("latency_p90_ms",))

    @pytest.fixture
    def table(self, tmp_path: Path) -> Path:
        path = tmp_path / "table.csv"
        path.write_text(HEADER + "".join(ROWS.values()))
        return path

    def test_it_answers_with_the_row_of_the_configuration(self, name: str, table: Path) -> None:
        assert self.recall(name, table) == {"latency_p90_ms": 1.5}
        assert self.recall(name, table, runtime="lite") == {"latency_p90_ms": 9.5}
        assert self.recall(name, table) == {"latency_p90_ms": 1.5}

    def test_a_table_may_begin_with_a_byte_order_mark(self, name: str, table: Path) -> None:
        table.write_bytes(codecs.BOM_UTF8 + table.read_bytes())  # as spreadsheets save it
        assert self.recall(name, table) == {"latency_p90_ms": 1.5}

    @pytest.mark.parametrize(
        "change",
        [
            {"model": "n"},
            {"precision": "bf16"},
            {"threads": 1},
            {"batch_size": 1},
            {"runtime": "x"},
            {"instances": 2},
            {"pinned": True},
            {"runtime": ""},
        ],
    )
    def test_what_is_not_recorded_is_not_supported(
        self, name: str, table: Path, change: dict[str, str | int]
    ) -> None:
        with pytest.raises(UnsupportedError, match=r"no row of table\.csv"):
            self.recall(name, table, **change)

    def test_a_recorded_failure_is_not_supported(self, name: str, table: Path) -> None:
        with pytest.raises(UnsupportedError, match="the runtime says no"):
            self.recall(name, table, precision="int8")

    @pytest.mark.parametrize(
        ("row", "problem"),
        [
            ("m,fp16,ort,2,8,,", "latency_p90_ms: '' is not a number above 0"),
            ("m,fp16,ort,2,8,inf,", "latency_p90_ms: 'inf' is not a number above 0"),
            ("m,fp16,ort,2,8,nan,", "latency_p90_ms: 'nan' is not a number above 0"),
            ("m,fp16,ort,2,8,-3,", "latency_p90_ms: '-3' is not a number above 0"),
            ("m,fp16,ort,2,8,fast,", "latency_p90_ms: 'fast' is not a number above 0"),
            ("m,fp16,ort,2,8,1e308,", "latency_p90_ms: '1e308' is too far from 1"),
            ("m,fp16,ort,2,8,1e-320,", "latency_p90_ms: '1e-320' is too far from 1"),
            ("m,fp16,ort,2,8", "has another number of cells than the 7 columns"),
        ],
    )
    def test_an_impossible_value_refuses_the_table(
        self, name: str, table: Path, row: str, problem: str
    ) -> None:
        table.write_text(f"{HEADER}{ROWS['runs']}{row}\n")
        with pytest.raises(RequestError, match=f"^{table}:3: {problem}.*; correct the line"):
            self.check(name, table)
        with pytest.raises(LoadError, match=f"^{table}:3: {problem}"):
            self.recall(name, table, precision="fp16")

    @pytest.mark.parametrize(
        ("row", "problem"),
        [
            ("m,fp32,ort,2,8,9.5,,,", "model: line 2 records the same configuration"),
            ("m,fp32,ort,2,8,9.5,,1,false", "model: line 2 records the same configuration"),
            ("m,fp32,ort,2.0,8,9.5,,,", "threads: '2.0' is not written as digits alone"),
            ("m,fp32,ort,2,08,9.5,,,", "batch_size: '08' is not written as digits alone"),
            ("m,fp32,ort,2,8,9.5,,\u0662,", "instances: '\u0662' is not written as digits alone"),
            ("m,fp32,ort,2,8,9.5,,,False", "pinned: 'False' is not true or false"),
        ],
    )
    def test_a_line_that_would_never_be_found_refuses_the_table(
        self, name: str, table: Path, row: str, problem: str
    ) -> None:
        header = HEADER.replace("failure", "failure,instances,pinned")
        table.write_text(f"{header}m,fp32,ort,2,8,1.5,,,\n{row}\n", encoding="utf-8")
        with pytest.raises(RequestError, match=f"^{table}:3: {problem}; correct the line"):
            self.check(name, table)

    def test_only_what_is_recorded_has_to_be_possible(self, name: str, table: Path) -> None:
        header = HEADER.replace("failure", "accuracy_percent,energy_per_sample_mj,failure")
        rows = ["m,fp32,ort,2,8,1.5,0,,", "m,fp16,ort,2,8,1.5,100,0.1,", "m,int8,ort,2,8,nan,,,no"]
        table.write_text(header + "\n".join(rows))
        self.check(name, table)
        for wrong in ("500", "-0.1"):
            table.write_text(f"{header}m,fp32,ort,2,8,1.5,{wrong},,\n")
            with pytest.raises(RequestError, match=f":2: accuracy_percent: '{wrong}'.* 100"):
                self.check(name, table)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\n",
            b"no table",
            HEADER.encode(),
            HEADER.replace("threads", "thread").encode() + b"m,fp32,ort,2,8,1.5,\n",
            HEADER.replace("latency_p90_ms", "latency").encode() + b"m,fp32,ort,2,8,1.5,\n",
            b"\xff\xfe" * 9,
            (HEADER + '"' + "x" * 200_000).encode(),
        ],
        ids=["empty", "newline", "text", "head alone", "column", "metric", "bytes", "field"],
    )
    def test_what_is_no_table_is_an_error(self, name: str, table: Path, content: bytes) -> None:
        table.write_bytes(content)
        with pytest.raises(RequestError, match=r"table\.csv.*; "):
            self.check(name, table)
        with pytest.raises(LoadError, match=r"table\.csv"):
            self.recall(name, table)

    def test_a_table_that_is_not_there_is_an_error(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(LoadError, match="No such file"):
            self.recall(name, tmp_path / "missing.csv")
        with pytest.raises(LoadError, match="directory"):
            self.recall(name, tmp_path)

    def test_without_a_table_it_says_so(self, name: str) -> None:
        found = backend(name)
        assert isinstance(found, Recording)
        with pytest.raises(LoadError, match="names no `table`"):
            found.recall(LoadRequest(Configuration("m", "fp32", name, 1, 1), None, {}), ())
