"""Settings and fixtures shared by all tests."""

import gc
import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# Torch, here and in what tests start: tests run side by side, and threads that wait for a core cost more than they bring.
os.environ.setdefault("OMP_NUM_THREADS", "1")
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # tests in the background; what they start would ignore Ctrl-C, too
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=40, database=None)
settings.load_profile("repeatable")


def pytest_collection_finish(session):
    """What is imported stays: Brian2 collects garbage at every run, and would look through all of it."""
    _keep()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """What a test leaves to those after it stays, too; its garbage goes."""
    done = yield
    _keep()
    return done


def _keep():
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def data_folder():
    """Folder that holds mnist/; skips where MNIST is in neither $SPIKEMETA_DATA nor the download cache."""
    import pooch

    given = os.environ.get("SPIKEMETA_DATA")
    folder = Path(given) if given else Path(pooch.os_cache("spikemeta"))
    if not list((folder / "mnist").glob("train-images-idx3-ubyte*")):
        pytest.skip(f"no MNIST in {folder / 'mnist'}; set SPIKEMETA_DATA to a folder that holds mnist/")
    return folder
