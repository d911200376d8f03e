"""Models of the Hugging Face hub, from a stand-in of it on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.core.errors import DseError, RequestError
from dse.download import hub as hubs
from dse.download.hub import Reference, fetch_model, parse_reference
from tests import any_models
from tests.any_models import write, write_apart
from tests.download.hubs import Hub, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
REPO = "owner/tiny-bert"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub, which the client asks in the place of the real one, and an empty cache."""
    from huggingface_hub import constants

    with serve(Hub()) as served:
        ask(monkeypatch, served.url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setenv("DSE_CACHE_DIR", str(tmp_path / "cache"))
        yield served


@pytest.fixture
def bert(tmp_path: Path) -> dict[str, bytes]:
    """A repository with a model in one file and much beside it."""
    model = write(tmp_path, any_models.bert).read_bytes()
    return {"onnx/model.onnx": model, "config.json": b"{}", "pytorch_model.bin": b"\x80\x04."}


@pytest.fixture
def apart(tmp_path: Path) -> dict[str, bytes]:
    """A repository with a model whose weights lie beside it."""
    path = write_apart(tmp_path, any_models.audio)
    data = path.with_name("audio.onnx_data")
    return {"onnx/audio.onnx": path.read_bytes(), "onnx/audio.onnx_data": data.read_bytes()}


def ask(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Has the client ask another hub; what HF_ENDPOINT does before it is imported."""
    from huggingface_hub import constants

    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "ENDPOINT", url)


def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("hf:a/b", Reference("a/b")),
        ("hf:a/b@v1.0", Reference("a/b", "", "v1.0")),
        ("hf:a/b@refs/pr/3", Reference("a/b", "", "refs/pr/3")),
        ("hf:a/b-c.d/onnx/model_q8.onnx", Reference("a/b-c.d", "onnx/model_q8.onnx")),
        ("hf:a/b/m.tflite@main", Reference("a/b", "m.tflite", "main")),
    ],
)
def test_references(text: str, reference: Reference) -> None:
    assert parse_reference(text) == reference


@pytest.mark.parametrize(
    "text",
    [
        *("hf:", "hf:a", "hf:a/", "hf:/b", "hf:../b", "hf:a/..", "hf:a b/c", "hf:a/b@"),
        *("hf:a/b/../x.onnx", "hf:a/b/x/../../y.onnx", "hf:a/b//x.onnx/../y", "hf:a/b\n/x.onnx"),
        *("hf:a/b/model.bin", "hf:a/b/"),
    ],
)
def test_what_is_no_reference_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_reference(text)
    assert len(str(caught.value).splitlines()) == 1


def test_the_only_model_is_taken_and_nothing_else(hub: Hub, bert: dict[str, bytes]) -> None:
    commit = hub.push(REPO, bert)
    found = fetch_model(parse_reference(f"hf:{REPO}"))
    assert found.path.read_bytes() == bert["onnx/model.onnx"]
    assert found.origin == f"hf:{REPO}/onnx/model.onnx@{commit}"
    assert found.described.inputs[0].name == "input_ids"
    assert hub.downloaded() == ["main/onnx/model.onnx"]


def test_the_files_with_its_data_come_along(hub: Hub, apart: dict[str, bytes]) -> None:
    hub.push(REPO, {**apart, "onnx/other.bin": b"much"})
    found = fetch_model(parse_reference(f"hf:{REPO}"))
    beside = found.path.with_name("audio.onnx_data")
    # Runtimes read no weights through links that lead out of the folder.
    assert not any(path.is_symlink() for path in (found.path, beside))
    assert beside.read_bytes() == apart["onnx/audio.onnx_data"]
    assert sorted(hub.downloaded()) == ["main/onnx/audio.onnx", "main/onnx/audio.onnx_data"]


def test_a_revision_is_pinned_to_its_commit(hub: Hub, bert: dict[str, bytes]) -> None:
    first = hub.push(REPO, bert)
    hub.refs[REPO]["v1"] = first
    second = hub.push(REPO, {"onnx/model.onnx": bert["onnx/model.onnx"] + b"", "new": b""})
    assert fetch_model(parse_reference(f"hf:{REPO}@v1")).origin.endswith(f"@{first}")
    assert fetch_model(parse_reference(f"hf:{REPO}")).origin.endswith(f"@{second}")
    assert fetch_model(parse_reference(f"hf:{REPO}@{first}")).origin.endswith(f"@{first}")


def test_a_branch_that_moves_meanwhile_does_not_mix(
    hub: Hub, bert: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = hub.push(REPO, bert)
    listed = hubs._list_hub

    def moved(reference: Reference) -> hubs._Snapshot:
        found = listed(reference)
        hub.push(REPO, {"onnx/model.onnx": b"of another commit"})
        return found

    monkeypatch.setattr(hubs, "_list_hub", moved)
    found = fetch_model(parse_reference(f"hf:{REPO}"))
    assert found.origin.endswith(f"@{first}")
    assert found.path.read_bytes() == bert["onnx/model.onnx"]


def test_what_is_in_the_cache_is_not_fetched_again(hub: Hub, apart: dict[str, bytes]) -> None:
    hub.push(REPO, apart)
    first = fetch_model(parse_reference(f"hf:{REPO}"))
    hub.requests.clear()
    assert fetch_model(parse_reference(f"hf:{REPO}")) == first
    assert hub.downloaded() == []


@pytest.mark.parametrize("revision", ["", "@main", "@{commit}"])
def test_offline_it_comes_from_the_cache(
    hub: Hub, apart: dict[str, bytes], revision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = hub.push(REPO, apart)
    online = fetch_model(parse_reference(f"hf:{REPO}"))
    hub.requests.clear()
    offline(monkeypatch)
    assert fetch_model(parse_reference(f"hf:{REPO}{revision.format(commit=commit)}")) == online
    assert hub.requests == []


def test_offline_what_is_not_in_the_cache_is_refused(
    hub: Hub, bert: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.push(REPO, bert)
    offline(monkeypatch)
    with pytest.raises(RequestError, match="is not in the cache; unset HF_HUB_OFFLINE"):
        fetch_model(parse_reference(f"hf:{REPO}"))


def test_several_models_are_listed(hub: Hub, bert: dict[str, bytes]) -> None:
    model = bert["onnx/model.onnx"]
    hub.push(REPO, {f"onnx/m{number:02}.onnx": model for number in range(15)})
    with pytest.raises(RequestError) as caught:
        fetch_model(parse_reference(f"hf:{REPO}"))
    text = str(caught.value)
    assert "has 15 model files: onnx/m00.onnx, onnx/m01.onnx, " in text
    assert text.endswith(f"and 3 more; name one, as hf:{REPO}/onnx/m00.onnx")
    assert fetch_model(parse_reference(f"hf:{REPO}/onnx/m07.onnx")).path.name == "m07.onnx"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hf:owner/nothing", "the hub has no model 'owner/nothing'"),
        (f"hf:{REPO}@v9", f"{REPO} has no revision 'v9'"),
        (f"hf:{REPO}/other.onnx", "has no file 'other.onnx'; it has onnx/model.onnx"),
        ("hf:owner/text", "has no .onnx or .tflite file"),
    ],
)
def test_what_the_hub_does_not_have(
    hub: Hub, bert: dict[str, bytes], text: str, words: str
) -> None:
    hub.push(REPO, bert)
    hub.push("owner/text", {"README.md": b"text"})
    with pytest.raises(RequestError) as caught:
        fetch_model(parse_reference(text))
    assert words in str(caught.value)


def test_data_that_is_not_there_is_named(hub: Hub, apart: dict[str, bytes]) -> None:
    hub.push(REPO, {"onnx/audio.onnx": apart["onnx/audio.onnx"]})
    with pytest.raises(RequestError, match=r"has its data in 'onnx/audio\.onnx_data'"):
        fetch_model(parse_reference(f"hf:{REPO}"))


def test_a_model_that_is_too_large_is_not_fetched(hub: Hub, apart: dict[str, bytes]) -> None:
    hub.push(REPO, apart)
    hub.sizes["onnx/audio.onnx_data"] = hubs.MAX_MODEL_BYTES
    with pytest.raises(DseError, match="larger than 8 GiB"):
        fetch_model(parse_reference(f"hf:{REPO}"))
    assert hub.downloaded() == ["main/onnx/audio.onnx"]


def test_a_hub_that_is_not_there(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(monkeypatch, "http://127.0.0.1:9")
    with pytest.raises(DseError, match=r"can't be fetched: .*HF_HUB_OFFLINE=1"):
        fetch_model(parse_reference(f"hf:{REPO}"))
    assert hub.requests == []


def test_offline_the_cache_lacks_the_weights_and_not_the_repository(
    hub: Hub, apart: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import hf_hub_download

    hub.push(REPO, apart)
    found = hf_hub_download(REPO, "onnx/audio.onnx")
    assert found.endswith("audio.onnx")
    offline(monkeypatch)
    with pytest.raises(RequestError) as caught:
        fetch_model(parse_reference(f"hf:{REPO}"))
    assert str(caught.value) == (
        "onnx/audio.onnx has its data in 'onnx/audio.onnx_data', which the cache of "
        f"{REPO} does not have; "
        "unset HF_HUB_OFFLINE to fetch it"
    )


@pytest.mark.parametrize(
    ("cached", "text", "words"),
    [
        ("README.md", f"hf:{REPO}", "has no .onnx or .tflite file"),
        ("onnx/audio.onnx", f"hf:{REPO}/onnx/other.onnx", "has no file 'onnx/other.onnx'"),
    ],
)
def test_offline_the_cache_lacks_the_model_and_not_the_repository(
    hub: Hub,
    apart: dict[str, bytes],
    cached: str,
    text: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from huggingface_hub import hf_hub_download

    hub.push(REPO, {**apart, "README.md": b"text", "onnx/other.onnx": b"another"})
    hf_hub_download(REPO, cached)
    offline(monkeypatch)
    with pytest.raises(RequestError) as caught:
        fetch_model(parse_reference(text))
    assert str(caught.value) == f"the cache of {REPO} {words}; unset HF_HUB_OFFLINE to fetch it"
