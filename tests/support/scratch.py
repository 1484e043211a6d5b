"""The folder of one test run, shared by all of its processes."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

VARIABLE = "RELEASEFLOW_TEST_SCRATCH"


def scratch() -> Path:
    """Made, and removed when it ends, by the first process that asks; those it starts inherit it in the environment."""
    if VARIABLE not in os.environ:
        os.environ[VARIABLE] = tempfile.mkdtemp(prefix="releaseflow-tests-")
        atexit.register(shutil.rmtree, os.environ[VARIABLE], ignore_errors=True)
    return Path(os.environ[VARIABLE])
