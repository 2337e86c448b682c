"""A feedforward spiking network that learns by event-driven error feedback.

Poisson input, LIF hidden and LIF readout neurons; every weight is plastic. An error is carried by events alone: a
readout spike adds one to the error of its neuron, a teaching event (a regular train at the target rate) takes one away,
and each is passed on to the hidden neurons by fixed random feedback, or by the readout weights. The local gradient of a
presynaptic spike is the postsynaptic neuron's filtered error times a window on its membrane potential.
"""

from dataclasses import asdict, dataclass

import brian2
import numpy as np
from brian2 import Hz, ms

from spikemeta.backends import brian, integration, paths
from spikemeta.backends.histories import History
from spikemeta.backends.networks.built import Built
from spikemeta.backends.noise import WEIGHT_DICE, WEIGHT_NOISE
from spikemeta.data import tuned
from spikemeta.errors import UserError, suggest

FEEDBACK = ("tied", "random")


@dataclass(frozen=True)
class Parameters:
    """Constants of the network: times in ms, rates in Hz, potentials in units of the threshold, which is 1.

    Source: event-driven random backpropagation, Neftci et al. 2017, Front. Neurosci. 11, 324 (error neurons, fixed
    random feedback, boxcar window on the membrane potential). The values come from the search that the docs describe.
    """

    presentation: float = 100.0  # ms
    input_rate: float = 200.0  # Hz, at full brightness
    tau_membrane: float = 20.0  # ms
    tau_synapse: float = 5.0  # ms
    tau_error: float = 60.0  # ms
    target_rate: float = 150.0  # Hz, teaching events of the right readout neuron
    other_rate: float = 0.0  # Hz, teaching events of the others
    onset: float = 15.0  # ms without learning at the start of a presentation
    hidden_centre: float = 1.0  # window on the membrane potential: |v - centre| < width
    hidden_width: float = 1.5
    hidden_band: float = 0.0  # errors smaller than this teach nothing
    hidden_spread: float = 0.03  # standard deviation of the initial weights
    readout_centre: float = 0.3
    readout_width: float = 0.8
    readout_band: float = 0.0
    readout_spread: float = 0.03
    tied_factor: float = 2.3  # feedback weight = factor * readout weight
    random_spread: float = 0.3  # standard deviation of fixed random feedback
    inhibition: float = 0.0  # current that each hidden spike takes from every hidden neuron

    def problems(self):
        """What is wrong with the values: each must be finite, times positive, all but the centres not negative."""
        found = []
        for name, value in asdict(self).items():
            positive = name.startswith("tau_") or name in ("presentation", "input_rate", "target_rate")
            if not np.isfinite(value) or (positive and value <= 0) or (value < 0 and not name.endswith("centre")):
                found.append(f"{name} must be a finite number {'above 0' if positive else 'of at least 0'}, not {value!r}")
        if not found and (self.presentation < 2 or self.presentation != round(self.presentation)):
            found.append(f"presentation must be a whole number of ms, at least 2, not {self.presentation!r}")
        if not found and max(self.input_rate, self.target_rate, self.other_rate) > 1000:
            found.append("rates must be at most 1000 Hz: a step is 1 ms, and holds one event")
        if not found and self.tau_membrane == self.tau_synapse:
            found.append(f"tau_membrane and tau_synapse must differ (both are {self.tau_membrane:g} ms), for the closed form")
        return found


_LIF = """
dv/dt = (input_current*tau_membrane/tau_synapse - v)/tau_membrane : 1
dcurrent/dt = -current/tau_synapse : 1
derror/dt = -error/tau_error : 1
signal : 1
"""
_SIGNAL = """
onset_over = t - presentation_index*presentation_time >= onset_time
signal = teaching*int(onset_over)*error*int(abs(error) >= band)*int(abs(v - centre) < width)
"""


_QUIET = "v = 0\ncurrent = 0\nerror = 0\n"


class Feedforward:
    """The network as `spikemeta.simulation.simulation` uses it."""

    projections = ("hidden", "readout")
    engines = ("brian2",)

    def parameters(self, task="", dataset="", overrides=None):
        """Constants for a task, as from `spikemeta.data.tuned.choose`."""
        return tuned.choose("feedforward", "brian2", Parameters(), task, dataset, overrides)

    def start(self, sizes, parameters, rng):
        """Initial weights and fixed feedback, drawn from a seed.

        Parameters
        ----------
        sizes : tuple of int
            (n_input, n_hidden, n_classes).
        parameters : Parameters
        rng : numpy.random.Generator

        Returns
        -------
        dict of str to ndarray
            ``hidden`` (n_input, n_hidden), ``readout`` (n_hidden, n_classes), ``feedback`` (n_classes, n_hidden); 1.
        """
        n_input, n_hidden, n_classes = sizes
        back = rng.standard_normal((n_classes, n_hidden))
        back -= back.mean(axis=0)  # centred over classes: an error that all share must not drive the hidden layer
        return {
            "hidden": parameters.hidden_spread * rng.standard_normal((n_input, n_hidden)),
            "readout": parameters.readout_spread * rng.standard_normal((n_hidden, n_classes)),
            "feedback": parameters.random_spread * back,
        }

    def build(self, rule, sizes, parameters, feedback, stimulus, teacher, dtype="float64", dense="auto", connect=None):
        """Brian2 objects of the network.

        Parameters
        ----------
        rule : Rule
        sizes : tuple of int
            (n_input, n_hidden, n_classes).
        parameters : Parameters
        feedback : {"tied", "random"}
            How the error reaches the hidden neurons.
        stimulus, teacher : brian2.Function
            ``stimulus(presentation, i)``: brightness of an input, 0 to 1. ``teacher(presentation)``: label, or -1.
        dtype : {"float64", "float32"}
            Of the synapses' state and of the currents and signals that they meet at the hidden and readout neurons.
        dense : {"auto", False}
            Whether standalone code walks rows and finds events in blocks, or is all Brian2's own.
        connect : dict of str to dict or None
            Arguments of ``Synapses.connect`` by projection, for those that are not all-to-all.

        Returns
        -------
        Built
        """
        if feedback not in FEEDBACK:
            raise UserError(suggest("feedback", feedback, FEEDBACK))
        parts = _Parts(rule, sizes, parameters, stimulus, teacher, dtype, dense)
        groups = {"input": parts.input(), "hidden": parts.hidden(), "readout": parts.readout()}
        source, hidden, readout = groups.values()
        for layer in (hidden, readout):
            how = {"name": f"{layer.name}_signal", "codeobj_class": paths.arithmetic(dense)}
            layer.run_regularly(_SIGNAL, when="before_thresholds", **how)
        projections = parts.projections(*groups.values(), feedback, connect or {})
        others, fixed = [], {}
        if feedback == "random":
            back = parts.random_feedback(readout, hidden)
            fixed["feedback"] = (back, "b")
            others.append(back)
        if parameters.inhibition:
            others += parts.inhibition(hidden)
        spikes = brian2.SpikeMonitor(readout, name="readout_spikes")
        hidden_spikes = brian2.SpikeMonitor(hidden, record=False, name="hidden_spikes")
        counters = {
            "input_spikes": brian2.SpikeMonitor(source, record=False, name="input_spikes"),
            "input_touches": brian2.EventMonitor(source, "touch", record=False, name="input_touches"),
            "hidden_touches": brian2.EventMonitor(hidden, "touch", record=False, name="hidden_touches"),
        }
        objects = [*groups.values(), *projections.values(), *others, spikes, hidden_spikes, *counters.values()]
        made = brian2.Network(*objects, name="feedforward")
        shapes = {name: (-1,) if connect and name in connect else sizes[k : k + 2] for k, name in enumerate(projections)}
        counters |= {"hidden_spikes": hidden_spikes}
        return Built(made, groups, projections, shapes, spikes, {"hidden_spikes": sizes[1]}, counters, fixed)


class _Parts:
    """Makes the groups and synapses of a network; arguments as for `Feedforward.build`."""

    def __init__(self, rule, sizes, parameters, stimulus, teacher, dtype, dense):
        self.rule, self.sizes, self.parameters, self.dtype, self.dense = rule, sizes, parameters, dtype, dense
        self.clock = brian2.Clock(1 * ms, name="steps")
        self.slow = brian2.Clock(parameters.presentation * ms, name="presentations")
        self.shared = {
            "presentation_time": parameters.presentation * ms,
            "tau_membrane": parameters.tau_membrane * ms,
            "tau_synapse": parameters.tau_synapse * ms,
            "tau_error": parameters.tau_error * ms,
            "onset_time": parameters.onset * ms,
            "stimulus": stimulus,
            "teacher": teacher,
        }

    def group(self, n, name, model, threshold, reset, at_start, presynaptic=True, events=None, **constants):
        boundaries = bool(self.rule.analysis.blocks["on_boundary"])
        numpy_only = None if paths.standalone() else brian2.codegen.runtime.numpy_rt.NumpyCodeObject
        model += brian.PHASE + (brian.PRESYNAPTIC if presynaptic else brian.CLOCK)
        own = brian.presynaptic_events(threshold, boundaries) if presynaptic else {"spike": threshold}
        made = brian2.NeuronGroup(
            n,
            model,
            reset=reset,
            method=integration.exact,
            clock=self.clock,
            name=name,
            events=own | (events or {}),
            namespace=self.shared | constants,
            dtype=dict.fromkeys(("v", "current", "error", "signal"), np.dtype(self.dtype)),
        )
        start = brian.PHASE_START + at_start
        made.run_regularly(start, clock=self.slow, when="start", name=f"{name}_start", codeobj_class=numpy_only)
        if self.dense:
            paths.vectorise_events(made)
        if presynaptic:
            brian.prepare_presynaptic(made)
        return made

    def input(self):
        per_step = float(self.parameters.input_rate * Hz * (1 * ms))
        wait = "int(clip(-log(1 - draw)*gap, 0, 1e6))"  # steps to the next spike: geometric, none from a dark input
        source = self.group(
            self.sizes[0],
            "input",
            "brightness : 1\ndraw : 1\ngap : 1\nnext : integer\nnow = int(t_in_timesteps) : integer (shared)",
            "next <= now",
            f"draw = rand()\nnext = t_in_timesteps + 1 + {wait}",
            "brightness = stimulus(presentation_index, i)\ndraw = rand()",
        )
        # By itself, without functions that are called one by one, this takes logarithms in vector registers.
        waiting = f"gap = -1/log(1 - clip(brightness*{per_step!r}, 1e-15, 1 - 1e-15))\nnext = t_in_timesteps + {wait}"
        source.run_regularly(waiting, clock=self.slow, when="start", order=1, name="input_gap")
        return source

    def hidden(self):
        p, inhibited = self.parameters, "inhibitory : 1 (linked)\ninput_current = current - inhibitory : 1\n"
        model = _LIF + (inhibited if p.inhibition else "input_current = current : 1\n")
        window = {"centre": p.hidden_centre, "width": p.hidden_width, "band": p.hidden_band}
        return self.group(self.sizes[1], "hidden", model, "v > 1", "v = 0", _QUIET, **window)

    def readout(self):
        p = self.parameters
        readout = self.group(
            self.sizes[2],
            "readout",
            _LIF + "input_current = current : 1\nphase : 1\nrate : Hz\n",
            "v > 1",
            "v = 0\nerror += teaching",
            _QUIET + "phase = 0\nrate = teaching*(other_rate + (target_rate - other_rate)"
            "*int(i == teacher(presentation_index)))\n",
            presynaptic=False,
            events={"teach": "phase >= 1"},
            centre=p.readout_centre,
            width=p.readout_width,
            band=p.readout_band,
            target_rate=p.target_rate * Hz,
            other_rate=p.other_rate * Hz,
        )
        readout.run_regularly("phase += rate*dt", when="groups", name="readout_phase")
        readout.run_on_event("teach", "phase -= 1\nerror -= 1", when="resets")
        return readout

    def projections(self, source, hidden, readout, feedback, connect):
        send = {
            "transmit": "current_post += weight",
            "gradient": "signal_post",
            "randn": "weight_noise(noise_seed, presentation_index_pre)",
            "dtype": self.dtype,
            "dense": self.dense,
            "rand": "weight_dice(noise_seed, presentation_index_pre)",
        }
        tied = {"spike": "error_pre += teaching_post*tied_factor*weight", "teach": "error_pre -= tied_factor*weight"}
        made = {}
        for name, pre, post in (("hidden", source, hidden), ("readout", hidden, readout)):
            back = tied if (name, feedback) == ("readout", "tied") else None
            how = {"name": f"to_{name}", "connect": connect.get(name, True), "post": back}
            if self.dense == "auto" and name not in connect:
                how["history"] = History(round(self.parameters.presentation), "signal", "signals", alone=back is None)
            made[name] = brian.synapses(self.rule.of(name), pre, post, **how, **send)
        for projection in made.values():
            projection.namespace |= {"weight_noise": WEIGHT_NOISE, "weight_dice": WEIGHT_DICE}
        made["readout"].namespace["tied_factor"] = self.parameters.tied_factor
        return made

    def random_feedback(self, readout, hidden):
        back = brian2.Synapses(
            readout,
            hidden,
            "b : 1",
            name="feedback",
            clock=self.clock,
            delay={"pre": 0 * ms, "teach": 0 * ms},
            on_pre={"pre": "error_post += teaching_pre*b", "teach": "error_post -= b"},
            on_event={"pre": "spike", "teach": "teach"},
        )
        back.connect()
        return back

    def inhibition(self, hidden):
        model = "dlevel/dt = -level/tau_synapse : 1"
        pool = brian2.NeuronGroup(1, model, method=integration.exact, clock=self.clock, name="pool", namespace=self.shared)
        pool.run_regularly("level = 0", clock=self.slow, when="start", name="pool_start")
        hidden.inhibitory = brian2.linked_var(pool, "level")
        inhibit = brian2.Synapses(
            hidden,
            pool,
            on_pre="level_post += inhibition",
            clock=self.clock,
            delay=0 * ms,
            name="inhibit",
            namespace={"inhibition": self.parameters.inhibition},
        )
        inhibit.connect()
        return [pool, inhibit]


network = Feedforward()
