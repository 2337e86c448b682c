"""What a study writes down of itself: command, options, versions, data, sources and rules, its beginning and its end."""

import importlib.metadata
import platform
import time

from spikemeta.runs import results, study
from spikemeta.system import memory, source_identity


def begin(name, options, data=None, rules=(), **more):
    """Open the output folder of a study, and write down what is known of it from the start.

    Parameters
    ----------
    name : str
        The study.
    options, data, rules, **more
        As for `Record`. Without ``--out`` the folder is called by the study and the data set.

    Returns
    -------
    spikemeta.runs.results.Store, Record

    Raises
    ------
    UserError
        For an output folder that is not ours to write.
    """
    store = results.Store(study.folder(name, options), name, study.settings(options), options.resume)
    return store, Record(store, name, options, data, rules, **more)


class Record:
    """``provenance.json`` of a study, written when it starts and when it is finished.

    Parameters
    ----------
    store : spikemeta.runs.results.Store
    name : str
        The study.
    options : object
        Its options.
    data : spikemeta.data.datasets.Dataset or None
    rules : iterable of Rule
    **more
        What else is known from the start.
    """

    def __init__(self, store, name, options, data=None, rules=(), **more):
        self._store, self._began = store, time.time()
        earlier = memory.starts(store.folder / "memory.csv") if getattr(options, "resume", False) else []
        self._before = sum(start["seconds"] for start in earlier)
        self._known = {
            "command": study.command(name, options),
            "status": "running",
            "started": _clock(self._began),
            "seeds": list(study.seeds_of(options)),
            "options": vars(options),
            "versions": versions(),
            "commit": source_identity.commit(),
            "sources": source_identity.sources(),
            "data": {data.name: data.digests} if data else {},
            "rules": {rule.title: rule_text(rule) for rule in rules},
        } | more
        if earlier:  # a study that was resumed: what its starts before this one took
            self._known["earlier_starts"] = earlier
        store.write_provenance(self._known)

    def finish(self, runs=None, failures=(), **more):
        """Write the end: every run's own record, the messages of those that failed, and ``more``.

        Parameters
        ----------
        runs : dict of (str, int) to FinishedRun or None
        failures : list of str
        """
        now = time.time()
        end = {"status": "finished", "finished": _clock(now), "failures": list(failures)}
        end["seconds"] = self._before + now - self._began
        if runs is not None:
            end["runs"] = [{"rule": run.label, "seed": run.seed} | run.info for run in runs.values()]
        self._store.write_provenance(self._known | end | more)


def versions():
    """Versions of what decides the numbers: Python, this package and those it computes with."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in ("spikemeta", "brian2", "numpy", "scipy", "xarray", "matplotlib", "scikit-learn", "torch", "snntorch"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def rule_text(rule):
    """A rule's equations and parameters, as they were."""
    fields = (
        "reference",
        "variant",
        "state",
        "weight",
        "initial",
        "on_gradient",
        "on_presentation",
        "on_boundary",
        "base_gradient",
        "on_base_step",
    )
    parameters = {name: f"{p.value:g} {p.unit}" for name, p in rule.parameters.items()}
    return {f: getattr(rule, f) for f in fields} | {"parameters": parameters}


def _clock(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
