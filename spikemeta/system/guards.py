"""What is checked before a study starts, and of the layers of its networks after it: room, memory, silence, saturation."""

import shutil
import tempfile

import numpy as np

from spikemeta.errors import UserError

SILENT = 0.05  # fraction of test presentations without a readout spike from which a reader should be told
QUIET = 0.1  # Hz: a hidden layer below it passes nothing on
SATURATED = 0.5  # of the steps, with a spike in each of these a rate can hardly grow
PROCESS = 250 * 2**20  # bytes of a Python process with its libraries, as measured


def needs(dataset, sizes, states):
    """Bytes that a worker surely needs: of memory, in the output folder, and for its work in the temporary folder.

    Parameters
    ----------
    dataset : spikemeta.data.datasets.Dataset
    sizes : (int, int)
        Hidden neurons and classes.
    states : int
        State variables of a synapse.
    """
    synapses = (dataset.train_images.shape[1] + sizes[1]) * sizes[0]
    state = 8 * synapses * (states + 2)
    images = dataset.train_images.nbytes
    return PROCESS + dataset.test_images.nbytes + 2 * images + 3 * state, 2 * state, images + 2 * state


def check_room(folder, dataset, sizes, states, workers):
    """Refuse a study that surely does not fit.

    Raises
    ------
    UserError
        Naming what is short, how much of it is there, and the remedy.
    """
    import psutil

    memory, kept, work = (workers * value for value in needs(dataset, sizes, states))
    free, temporary = shutil.disk_usage(folder).free, tempfile.gettempdir()
    problems = []
    if kept > free:
        problems.append(
            f"the disk of {folder} has {_gib(free)} and the study needs {_gib(kept)}: make room, or use another --out"
        )
    if work > shutil.disk_usage(temporary).free:
        there = _gib(shutil.disk_usage(temporary).free)
        problems.append(f"the disk of {temporary} has {there} and the study needs {_gib(work)}: make room, or set TMPDIR")
    available = psutil.virtual_memory().available
    if memory > available:
        remedy = "fewer --workers or fewer --hidden neurons" if workers > 1 else "fewer --hidden neurons"
        problems.append(f"{_gib(available)} of memory are there and the study needs {_gib(memory)}: use {remedy}")
    if problems:
        raise UserError("\n".join(problems))


def _gib(size):
    return f"{size / 2**30:.2g} GiB"


def layers(runs):
    """Warnings about layers that are silent or saturated in the tests of a row's runs.

    Parameters
    ----------
    runs : list of FinishedRun
        With ``test_hidden_rate`` (Hz), ``test_silent`` and ``test_readout_spikes`` (per presentation), where measured.

    Returns
    -------
    list of str
        Each names the layer and the remedy.
    """
    found, network = [], runs[0].info.get("constants", {}).get("network", {}) if runs else {}
    silent = [np.mean(run.arrays["test_silent"]) for run in runs if "test_silent" in run.arrays]
    if silent and np.mean(silent) > SILENT:
        found.append(
            f"the readout was silent, and so counted as wrong, in {100 * np.mean(silent):.0f} % of the test presentations: "
            "the network may have run away (a smaller lr) or died (a larger hidden_spread"
            + (", or a readout_mean above 0)" if "readout_mean" in network else ")")
        )
    if not runs:
        return found
    fastest = 1000 / network.get("step", 1.0)  # Hz: a spike in every step
    means = [np.mean([np.mean(run.arrays.get(f"test_{n}", np.nan)) for run in runs]) for n in ("hidden_rate", "readout_spikes")]
    hidden, readout = means[0], 1000 * means[1] / network.get("presentation", np.nan)
    if hidden < QUIET:
        found.append(f"the hidden layer was silent ({hidden:.2g} Hz): try a larger hidden_spread or input_rate")
    if hidden > SATURATED * fastest:
        found.append(f"the hidden layer was saturated ({hidden:.0f} Hz): try a smaller hidden_spread or hidden.lr")
    if readout > SATURATED * fastest:
        found.append(f"the readout was saturated ({readout:.0f} Hz): try a smaller readout_spread or readout.lr")
    return found
