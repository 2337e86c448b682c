"""A floor for the speed of the feedforward network: the same computation by hand in one C++ program.

What is left out is what makes a simulator: no equations, no units, no choice of network. Single precision, flat arrays, an
input whose intervals are drawn in blocks, one pass over a row per spike. Random feedback, inhibition and boundaries are not
here.
"""

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from spikemeta.errors import UserError
from spikemeta.system.compiler import cache_folder, command, processor


def _template(name):
    return (Path(__file__).parent / "templates" / name).read_text()


#: What a synapse does at its first spike in a presentation, by rule: state is s0, s1, ..., g the summed gradient, w the
#: transmitted weight; `inside` and `after` are presentations since the last touch, z() a standard normal deviate.
COMMITS = {
    "sgd": "w[k] -= c[0]*g[k];",
    "laplace": """
        s0[k] = 1 + (s0[k] - 1)*fade0; s1[k] *= fade0;
        s1[k] = s1[k]*(1 + c[1]*g[k]*g[k]/s0[k]) - c[0]*g[k]; s0[k] += c[1]*g[k]*g[k];
        s0[k] = 1 + (s0[k] - 1)*fade1; s1[k] *= fade1;
        w[k] = s1[k]/s0[k];""",
    "mesu": """
        const real prior = c[3]; s0[k] = prior + (s0[k] - prior)*fade0; s1[k] *= fade0;
        real shrink = c[1]*g[k]*s2[k]/(2*sqrt(s0[k])); shrink = shrink > c[4] ? c[4] : shrink < -c[4] ? -c[4] : shrink;
        const real kept = (1 - shrink)*(1 - shrink);
        s1[k] = (s1[k] - c[0]*g[k])/kept; s0[k] = s0[k]/kept;
        s0[k] = prior + (s0[k] - prior)*fade1; s1[k] *= fade1;
        s2[k] = normal(key, (uint32_t)(i*H + k));
        w[k] = s1[k]/s0[k] + s2[k]/sqrt(s0[k]);""",
    "synaptic_intelligence": """
        const real rate = 2*c[0]*c[1]*s1[k];
        w[k] = s2[k] + (w[k] - s2[k])*exp(-rate*inside);
        const real step = -c[0]*g[k];
        s0[k] -= g[k]*(step + rate*(s2[k] - w[k])); w[k] += step;
        w[k] = s2[k] + (w[k] - s2[k])*exp(-rate*after);""",
}
#: Constants c of each rule, and the state s0, s1, ... beside the weight: names as in the rule's text. `window` is c[2].
CONSTANTS = {
    "sgd": ("lr",),
    "laplace": ("lr", "curvature", "window"),
    "mesu": ("lr_mu", "lr_sigma", "window", "prior", "guard"),
    "synaptic_intelligence": ("lr", "c"),
}
STATES = {
    "sgd": (),
    "laplace": ("precision", "information"),
    "mesu": ("precision", "information", "noise"),
    "synaptic_intelligence": ("path", "importance", "w_reference"),
}

#: The noise: standard normals, each from a number mixed twice (once leaves neighbours correlated by 8e-4).
_NORMAL = "\n" + _template("normal.h")

_SOURCE = "\n" + _template("floor.cpp")


def constants_of(rule, values):
    """The numbers c of a rule's commit, from its constants."""
    values = dict(values)
    if rule == "mesu":
        values["prior"] = 1 / values["sigma_prior"] ** 2
    return [values[name] for name in CONSTANTS[rule]]


def compile_floor(rule, real="float"):
    """Compile the program for a rule, once.

    Parameters
    ----------
    rule : str
        One of `COMMITS`.
    real : {"float", "double"}

    Returns
    -------
    Path
    """
    rows = "".join(f"real* __restrict s{k} = this->s[{k}].data() + row;" for k in range(len(STATES[rule])))
    text = (
        _SOURCE.replace("NORMAL", _NORMAL).replace("ROWS", rows).replace("COMMIT ", COMMITS[rule] + " ").replace("REAL", real)
    )
    text = text.replace("N_STATES", str(len(STATES[rule])))
    compiler = command()
    flags = ["-O3", "-march=native", "-ffast-math", "-std=c++17"]
    digest = hashlib.sha256("\0".join([text, *compiler, *flags, processor()]).encode()).hexdigest()[:24]
    cache_folder().mkdir(parents=True, exist_ok=True)
    program = cache_folder() / f"floor-{digest}"
    if not program.is_file():
        with tempfile.TemporaryDirectory(dir=cache_folder()) as work:
            (Path(work) / "floor.cpp").write_text(text)
            done = subprocess.run([*compiler, *flags, "floor.cpp", "-o", "floor"], cwd=work, capture_output=True, text=True)
            if done.returncode:
                raise UserError(f"compiling the floor failed:\n{done.stderr[-2000:]}")
            os.replace(Path(work) / "floor", program)
    return program


def prepare(folder, rule, sizes, parameters, constants, start, images, labels, raster=None, real="float"):
    """Write what the program reads.

    Parameters
    ----------
    folder : Path
    rule : str
    sizes : tuple of int
        (n_input, n_hidden, n_classes).
    parameters : object
        The constants of the network `feedforward`, an attribute each, in their units.
        With tied feedback and no inhibition.
    constants : dict of str to dict
        Of the rule, by projection.
    start : dict of str to ndarray
        State at the start by ``projection.variable``, as from `spikemeta.simulation.simulation.Simulation.begin`.
    images : (n, n_input) uint8
    labels : (n,) int32
    raster : (n*steps, n_input) uint8 or None
        Input spikes, instead of random ones.
    real : {"float", "double"}
    """
    p, kind = parameters, np.dtype(real if real == "double" else np.float32)
    values = [*sizes, p.presentation, p.onset, p.tau_membrane, p.tau_synapse, p.tau_error, p.input_rate / 1000]
    values += [p.hidden_centre, p.hidden_width, p.hidden_band, p.readout_centre, p.readout_width, p.readout_band, p.tied_factor]
    values += [p.target_rate / 1000, p.other_rate / 1000]
    np.array(values, float).tofile(folder / "constants")
    images.tofile(folder / "images")
    np.asarray(labels, np.int32).tofile(folder / "labels")
    if raster is not None:
        raster.astype(np.uint8).tofile(folder / "raster")
    for name in ("hidden", "readout"):
        np.asarray(start[f"{name}.transmitted"], kind).tofile(folder / f"{name}.w")
        np.array(constants_of(rule, constants[name]), float).tofile(folder / f"{name}.c")
        for k, state in enumerate(STATES[rule]):
            np.asarray(start[f"{name}.{state}"], kind).tofile(folder / f"{name}.s{k}")


def run(program, folder, count, seed=0):
    """Train on ``count`` images, from the first on and over and over; results are left in the folder.

    Returns
    -------
    (count, n_classes) ndarray of int32
        Readout spikes of each presentation.
    """
    subprocess.run([str(program), str(folder), str(seed), str(count)], check=True)
    return np.fromfile(folder / "counts", np.int32).reshape(count, -1)
