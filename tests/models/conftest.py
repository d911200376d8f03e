"""What the tests of the models share."""

from pathlib import Path

import pytest

from dse.models import cache

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data():
    if not SHARED.is_dir():
        pytest.skip("the folder of real models and results is not there")
    return SHARED


@pytest.fixture(scope="session")
def _built(tmp_path_factory):
    return tmp_path_factory.mktemp("built")


@pytest.fixture
def shared_cache(_built, monkeypatch):
    """A cache that the tests fill together: nothing is built twice."""
    monkeypatch.setenv(cache.VARIABLE, str(_built))
    return _built


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty cache of one test alone."""
    folder = tmp_path / "cache"
    monkeypatch.setenv(cache.VARIABLE, str(folder))
    return folder
