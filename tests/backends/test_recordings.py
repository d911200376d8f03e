"""What every backend must do that answers from a record instead of running anything."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

import pytest

from dse.core.backend import LoadError, LoadRequest, Recording, UnsupportedError
from dse.core.configuration import Configuration
from dse.core.registry import BACKENDS, backend

if TYPE_CHECKING:
    from pathlib import Path

RECORDINGS = [name for name in BACKENDS if isinstance(backend(name), Recording)]

HEADER = "model,precision,backend,threads,batch_size,latency_p90_ms,failure\n"
ROWS = {
    "runs": "m,fp32,ort,2,8,1.5,\n",
    "fails": "m,int8,ort,2,8,,the runtime says no\n",
    "empty": "m,fp16,ort,2,8,,\n",
    "infinite": "m,fp32,ort,4,8,inf,\n",
    "not a number": "m,fp32,ort,8,8,nan,\n",
    "words": "m,fp32,ort,16,8,fast,\n",
    "short": "m,fp32,ort,32,8\n",
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
        ("change", "text"),
        [
            ({"precision": "fp16"}, ""),
            ({"threads": 4}, "inf"),
            ({"threads": 8}, "nan"),
            ({"threads": 16}, "fast"),
            ({"threads": 32}, ""),
        ],
    )
    def test_a_value_that_is_no_number_is_an_error(
        self, name: str, table: Path, change: dict[str, str | int], text: str
    ) -> None:
        with pytest.raises(LoadError, match=f"latency_p90_ms holds '{text}', not a number of ms"):
            self.recall(name, table, **change)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\n",
            b"no table",
            HEADER.replace("threads", "thread").encode(),
            b"\xff\xfe" * 9,
            (HEADER + '"' + "x" * 200_000).encode(),
        ],
        ids=["empty", "newline", "text", "column", "bytes", "field"],
    )
    def test_what_is_no_table_is_an_error(self, name: str, table: Path, content: bytes) -> None:
        table.write_bytes(content)
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
