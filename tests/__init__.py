"""The tests. Here numpy is imported, without threads that would take the CPUs from other tests."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy  # noqa: F401, ICN001

del os.environ["OPENBLAS_NUM_THREADS"]
