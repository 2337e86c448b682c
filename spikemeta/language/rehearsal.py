"""A rule's text run on made-up synapses, when it is constructed: it must stay finite, and silence must change nothing."""

import re

import numpy as np

from spikemeta.language import equations

SYNAPSES = 64
#: Relative; a decay over one gap or over its parts, and a state that is computed again.
_SAME = 1e-9
_BLOCKS = ("on_presentation", "on_gradient", "on_boundary")


def rehearse(rule):
    """Every problem of a rule that shows only when it runs, at its default parameters.

    Half of the synapses get gradients, the others stay silent; boundaries come before the first gradient, after the last,
    and twice in a row.

    Parameters
    ----------
    rule : Rule

    Returns
    -------
    list of (str, int, str)
        Field, line in the field from 0, and message.
    """
    run = _Rehearsal(rule)
    with np.errstate(all="ignore"):
        run.everything()
    return list(dict.fromkeys(run.problems))


class _Rehearsal:
    def __init__(self, rule):
        rng = np.random.default_rng(0)
        self.rule, self.analysis, self.problems, self.rng = rule, rule.analysis, [], rng
        self.space = {p: v.value for p, v in rule.parameters.items()}
        self.space |= {
            "w_init": 0.1 * rng.standard_normal(SYNAPSES),
            "age": 0.0,
            "rand": lambda: rng.random(SYNAPSES),
            "randn": lambda: rng.standard_normal(SYNAPSES),
        }

    def everything(self):
        self.start()
        self.idle(started=False)
        begun = self.states()
        self.boundary("before any gradient")
        self.idle(started=False)
        self.visits()
        self.space |= begun
        self.learn()
        self.weight()
        self.idle()
        self.visits()
        self.boundary("after gradients")
        self.boundary("twice in a row")
        self.idle()
        self.visits()
        self.weight()
        if self.rule.base_gradient.strip():
            self.space["base_step"] = self.value("base_gradient", 0, self.rule.base_gradient.strip())
            self.run("on_base_step")
            self.finite("on_base_step", "after a step of a base optimizer")

    def value(self, block, line, expression):
        """Evaluate one expression; what it raises is a problem, and counts as zero."""
        try:
            return np.asarray(equations.compile_expression(expression)(self.space), float)
        except (ArithmeticError, TypeError, ValueError) as error:
            self.problems.append((block, line, f"{expression!r} cannot be evaluated: {error}"))
            return np.zeros(SYNAPSES)

    def run(self, block):
        for s in self.analysis.blocks[block]:
            self.space[s.target] = self.value(block, s.line, s.value)

    def states(self):
        """The state of now, as arrays."""
        return {s: np.array(np.broadcast_to(self.space[s], SYNAPSES), float) for s in self.analysis.states}

    def finite(self, block, when, line=0):
        """Every state variable must be finite, and whole where it is a whole number; else the block is told, with the first."""
        for name, values in self.states().items():
            broken = values[values != np.round(values)] if name in self.analysis.whole else ()
            if not self.problems and len(broken) and np.isfinite(values).all():
                text = (
                    f"{name!r} is a whole number, but {block} leaves {broken[0]:.4g}; write int(...) around it, or : 1 in state"
                )
                self.problems.append((block, line, text))
            if not self.problems and not np.isfinite(values).all():
                self.problems.append((block, line, f"{name!r} is not finite {when} at the default parameters"))

    def start(self):
        self.run("initial")
        for name, values in self.states().items():
            if not self.problems and not np.isfinite(values).all():
                text = f"{name!r} does not start finite at the default parameters"
                self.problems.append(("initial", 0, text))
        self.finite("initial", "at the start")
        for d in self.analysis.decays.values():
            line = self.line(d.name)
            rate = self.value("state", line, d.rate)
            if not self.problems and not np.isfinite(rate).all():
                self.problems.append(("state", line, f"{d.name!r} has no finite rate at the default parameters"))
            if (rate < 0).any():
                self.problems.append(("state", line, f"{d.name!r} grows at the default parameters, instead of decaying"))
            try:
                rest = np.asarray(equations.compile_expression(d.rest)(self.space), float)
            except ArithmeticError:  # of numbers alone
                rest = np.nan
            if not self.problems and not np.isfinite(rest).all():
                self.problems.append(("state", line, f"{d.name!r} rests at no finite value at the default parameters"))

    def line(self, name):
        """Line of ``state`` that a decay stands in."""
        return next(k for k, text in equations.numbered(self.rule.state) if re.match(rf"d{name}\s*/", text))

    def relax(self, elapsed):
        self.space["elapsed"] = elapsed
        for s in equations.relaxation(self.analysis.decays):
            self.space[s.target] = self.value("state", 0, s.value)

    def learn(self):
        """Three presentations; every second synapse stays silent."""
        silent = np.arange(SYNAPSES) % 2 == 1
        for age in range(3):
            self.space |= {"gradient": np.where(silent, 0.0, 0.01 * self.rng.standard_normal(SYNAPSES)), "age": float(age)}
            self.run("on_presentation")
            self.finite("on_presentation", f"after {age + 1} presentations" if age else "after a presentation")
            self.run("on_gradient")
            self.finite("on_gradient", "after three small gradients")

    def weight(self):
        weight = self.value("weight", 0, self.rule.weight.strip())
        if not self.problems and not np.isfinite(weight).all():
            self.problems.append(("weight", 0, "the transmitted weight is not finite at the default parameters"))

    def boundary(self, when):
        self.run("on_boundary")
        self.finite("on_boundary", f"after a boundary {when}")

    def idle(self, started=True):
        """A zero gradient, as a synapse gets it at its first touch and whenever it was silent."""
        before = self.states()
        self.space["gradient"] = np.zeros(SYNAPSES)
        self.run("on_gradient")
        for name, values in before.items():
            told = started or np.isfinite(self.space[name]).all()  # what is not finite is found below
            if told and not self.problems and not np.allclose(self.space[name], values, rtol=1e-12, atol=1e-15):
                self.problems.append(("on_gradient", 0, f"a zero gradient changes {name!r}; {self._remedy(name, before)}"))
        self.space |= before

    def _remedy(self, name, before):
        """Where that which a zero gradient changes belongs."""
        never = "a synapse that no spike touches is never visited, so"
        steps = []
        for factor in (1.0, 1.5):
            self.space |= before | {name: before[name] * factor + (factor - 1)}
            held = self.states()[name]
            self.run("on_gradient")
            steps.append(np.broadcast_to(self.space[name], SYNAPSES) - held)
        step = steps[0].flat[0]
        if np.allclose(steps, step, rtol=1e-9, atol=1e-15) and step:
            return (
                f"{never} what counts on must count gradients, as in {name} += {step:g}*int(gradient != 0), "
                "or be computed from age, the presentations so far"
            )
        return f"{never} fading belongs in state, as a decay, which may follow other variables, as in dx/dt = (y - x)/tau : 1"

    def visits(self):
        """Three presentations without a gradient, in which a synapse is visited once or each time: the same must be left.

        Draws are the same at each visit, so what is drawn anew does not count.
        """
        if self.rule.per_visit or self.problems or not self.analysis.blocks["on_presentation"]:
            return
        before, draws = self.states(), {k: self.space[k] for k in ("rand", "randn", "age")}
        once = self._visited(before, (3.0,))
        often = self._visited(before, (1.0, 2.0, 3.0))
        self.finite("on_presentation", "after a presentation")
        self.space |= before | draws
        for name, values in before.items() if not self.problems else ():
            scale = np.max(np.abs([values, once[name], often[name]]))
            if not np.allclose(once[name], often[name], rtol=_SAME, atol=1e-12 * scale):
                line = next((s.line for s in self.analysis.blocks["on_presentation"] if s.target == name), 0)
                text = f"on_presentation changes {name!r} by how often a synapse is visited: three visits without a gradient "
                text += f"leave another value than one. A decay belongs in state, as in d{name}/dt = -{name}/tau : 1; if each "
                self.problems.append(("on_presentation", line, text + "visit is meant to count, say so by per_visit=True"))
                return

    def _visited(self, state, ages):
        rng = np.random.default_rng(1)
        uniform, normal = rng.random(SYNAPSES), rng.standard_normal(SYNAPSES)
        since, last = self.space["age"], 0.0
        self.space |= state | {"rand": lambda: uniform, "randn": lambda: normal}
        for age in ages:
            self.relax(age - last)
            self.space["age"], last = since + age, age
            self.run("on_presentation")
        self.space["age"] = since
        return self.states()
