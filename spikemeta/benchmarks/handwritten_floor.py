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
_NORMAL = """
static inline uint32_t mix(uint32_t x) {  // lowbias32, a finaliser of two multiplications
    x ^= x >> 16; x *= 0x7feb352dU; x ^= x >> 15; x *= 0x846ca68bU; return x ^ (x >> 16);
}
static inline real normal(const uint32_t key, const uint32_t index) {
    const uint32_t x = mix(index ^ key) + mix(key), a = mix(x), b = mix(x ^ 0x9e3779b9U);
    const float u = ((float)(a >> 8) + 0.5f)*(1.0f/16777216), v = (float)(b >> 8)*(1.0f/16777216);
    return std::sqrt(-2*std::log(u))*std::cos(6.2831853f*v);
}
"""

_SOURCE = """
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>
typedef REAL real;
static std::string folder;
template <typename T> static std::vector<T> load(const std::string& name) {
    FILE* f = std::fopen((folder + "/" + name).c_str(), "rb");
    if (!f) return std::vector<T>();
    std::fseek(f, 0, SEEK_END); std::vector<T> v(std::ftell(f)/sizeof(T)); std::rewind(f);
    if (std::fread(v.data(), sizeof(T), v.size(), f) != v.size()) std::exit(3);
    std::fclose(f); return v;
}
template <typename T> static void save(const std::string& name, const std::vector<T>& v) {
    FILE* f = std::fopen((folder + "/" + name).c_str(), "wb");
    std::fwrite(v.data(), sizeof(T), v.size(), f); std::fclose(f);
}
NORMALstatic const int BLOCK = 4096;
static float waits[BLOCK];
static int used = BLOCK;
static uint32_t drawn = 0, seed;
static inline float exponential() {  // deviates in blocks, so that hash and logarithm vectorise
    if (used == BLOCK) {
        for (int k = 0; k < BLOCK; k++) waits[k] = -logf(((float)(mix(mix(drawn + k) ^ seed) >> 8) + 0.5f)*(1.0f/16777216));
        drawn += BLOCK; used = 0;
    }
    return waits[used++];
}
static const int STATES_OF = N_STATES;
struct Projection {
    int n, H; std::vector<real> w, g, s[STATES_OF + 1]; std::vector<double> c; std::vector<int> touched;
    void open(const std::string& name, int n_, int H_) {
        n = n_; H = H_; w = load<real>(name + ".w"); g.assign((size_t)n*H, 0); touched.assign(n, 0);
        for (int k = 0; k < STATES_OF; k++) s[k] = load<real>(name + ".s" + std::to_string(k));
        c = load<double>(name + ".c");
    }
    void close(const std::string& name) {
        save(name + ".w.out", w); for (int k = 0; k < STATES_OF; k++) save(name + ".s" + std::to_string(k) + ".out", s[k]);
    }
    void commit(const int i, const int presentation) {
        real cc[8]; for (size_t k = 0; k < c.size() && k < 8; k++) cc[k] = c[k];
        const int elapsed = presentation - touched[i];
        const real inside = elapsed < 1 ? elapsed : 1, after = elapsed - inside;
        const real window = c.size() > 2 ? c[2] : 1, fade0 = std::exp(-inside/window), fade1 = std::exp(-after/window);
        const uint32_t key = mix(seed*31 + presentation); (void)key; (void)fade0; (void)fade1;
        commit_row(i, cc, inside, after, fade0, fade1, key);
        touched[i] = presentation;
    }
    void commit_row(const int i, const real* __restrict c, real inside, real after, real fade0, real fade1, uint32_t key) {
        const size_t row = (size_t)i*H; const int H = this->H;
        real *__restrict w = this->w.data() + row, *__restrict g = this->g.data() + row;
        ROWS
        #pragma GCC ivdep
        for (int k = 0; k < H; k++) { COMMIT g[k] = 0; }
    }
};
int main(int, char** arguments) {
    folder = arguments[1]; seed = mix(std::strtoul(arguments[2], NULL, 10)); const int count = std::atoi(arguments[3]);
    const std::vector<double> p = load<double>("constants");
    const int n_in = p[0], H = p[1], C = p[2], T = p[3], onset = std::ceil(p[4]);
    const real tm = p[5], ts = p[6], te = p[7], hc = p[9], hw = p[10], hb = p[11];
    const real rc = p[12], rw = p[13], rb = p[14], tied = p[15];
    const double target = p[16], other = p[17], scale = p[8];
    const std::vector<unsigned char> images = load<unsigned char>("images"), raster = load<unsigned char>("raster");
    const std::vector<int32_t> labels = load<int32_t>("labels");
    Projection hidden, readout; hidden.open("hidden", n_in, H); readout.open("readout", H, C);
    std::vector<float> gap(256, 0);  // mean steps between spikes, by brightness
    for (int b = 1; b < 256; b++) gap[b] = -1/std::log1p(-std::fmin(scale*b/255.0, 1 - 1e-7));
    const real ds = std::exp(-1/ts), dm = std::exp(-1/tm), de = std::exp(-1/te), gain = tm/(tm - ts)*(dm - ds);
    std::vector<real> v(H), cur(H), err(H), sig(H), rv(C), rcur(C), rerr(C), rsig(C);
    std::vector<double> phase(C);
    std::vector<int32_t> counts((size_t)count*C), events((size_t)T*n_in), fill(T), seen(H), spikes(H);
    std::vector<int32_t> fired(C), taught(C);
    for (int presentation = 0; presentation < count; presentation++) {
        std::fill(fill.begin(), fill.end(), 0);
        const size_t shown = presentation % labels.size();  // over and over
        const unsigned char* image = images.data() + shown*n_in;
        for (int i = 0; i < n_in; i++) {
            bool first = true;
            if (!raster.empty()) {
                for (int t = 0; t < T; t++) if (raster[((size_t)presentation*T + t)*n_in + i]) {
                    events[(size_t)t*n_in + fill[t]++] = i; first = false; }
            } else if (image[i]) {
                const float mean = gap[image[i]];
                for (float at = std::floor(exponential()*mean); at < T; at += 1 + std::floor(exponential()*mean)) {
                    const int t = at; events[(size_t)t*n_in + fill[t]++] = i; first = false; }
            }
            if (!first) hidden.commit(i, presentation);
        }
        std::fill(v.begin(), v.end(), 0); std::fill(cur.begin(), cur.end(), 0); std::fill(err.begin(), err.end(), 0);
        std::fill(rv.begin(), rv.end(), 0); std::fill(rcur.begin(), rcur.end(), 0); std::fill(rerr.begin(), rerr.end(), 0);
        std::fill(phase.begin(), phase.end(), 0); std::fill(seen.begin(), seen.end(), 0);
        const int label = labels[shown];
        for (int t = 0; t < T; t++) {
            real *__restrict V = v.data(), *__restrict I = cur.data(), *__restrict E = err.data(), *__restrict S = sig.data();
            const real on = t >= onset;
            for (int k = 0; k < H; k++) {
                V[k] = gain*I[k] + dm*V[k]; I[k] *= ds; E[k] *= de;
                S[k] = std::fabs(E[k]) >= hb && std::fabs(V[k] - hc) < hw ? on*E[k] : 0;
            }
            int n_spikes = 0, n_fired = 0, n_taught = 0;
            for (int k = 0; k < H; k++) { spikes[n_spikes] = k; n_spikes += V[k] > 1; }
            for (int k = 0; k < C; k++) {
                rv[k] = gain*rcur[k] + dm*rv[k]; rcur[k] *= ds; rerr[k] *= de;
                rsig[k] = std::fabs(rerr[k]) >= rb && std::fabs(rv[k] - rc) < rw ? on*rerr[k] : 0;
                phase[k] += k == label ? target : other;
                if (rv[k] > 1) { fired[n_fired++] = k; counts[(size_t)presentation*C + k]++; }
                if (phase[k] >= 1) taught[n_taught++] = k;
            }
            for (int e = 0; e < fill[t]; e++) {
                const size_t row = (size_t)events[(size_t)t*n_in + e]*H;
                const real* __restrict w = hidden.w.data() + row; real* __restrict g = hidden.g.data() + row;
                #pragma GCC ivdep
                for (int k = 0; k < H; k++) { I[k] += w[k]; g[k] += S[k]; }
            }
            for (int e = 0; e < n_spikes; e++) {
                const int i = spikes[e]; V[i] = 0;
                if (!seen[i]) { seen[i] = 1; readout.commit(i, presentation); }
                const real* __restrict w = readout.w.data() + (size_t)i*C; real* __restrict g = readout.g.data() + (size_t)i*C;
                for (int k = 0; k < C; k++) { rcur[k] += w[k]; g[k] += rsig[k]; }
            }
            for (int e = 0; e < n_fired; e++) {
                const int k = fired[e]; rv[k] = 0; rerr[k] += 1;
                for (int i = 0; i < H; i++) E[i] += tied*readout.w[(size_t)i*C + k];
            }
            for (int e = 0; e < n_taught; e++) {
                const int k = taught[e]; phase[k] -= 1; rerr[k] -= 1;
                for (int i = 0; i < H; i++) E[i] -= tied*readout.w[(size_t)i*C + k];
            }
        }
    }
    for (int i = 0; i < n_in; i++) hidden.commit(i, count);
    for (int i = 0; i < H; i++) readout.commit(i, count);
    save("counts", counts); hidden.close("hidden"); readout.close("readout");
    return 0;
}
"""


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
    parameters : spikemeta.networks.feedforward.Parameters
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
