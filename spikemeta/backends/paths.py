"""How compiled code walks the synapses of a rule: rows, lists, or Brian2's own queue; and events, in blocks."""

import brian2
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice

from spikemeta.backends import translated
from spikemeta.errors import UserError, suggest


def standalone():
    """Whether Brian2 is set to C++ standalone."""
    return isinstance(brian2.get_device(), CPPStandaloneDevice)


class DenseCodeObject(CPPStandaloneCodeObject):
    """Pathway of an all-to-all projection in C++ standalone: Brian2's own translation in contiguous rows."""

    templater = CPPStandaloneCodeObject.templater.derive("spikemeta.backends")
    templater.env.filters.update(translated.FILTERS)
    listed = False


class ListedCodeObject(DenseCodeObject):
    """Pathway of any projection: the synapses of a presynaptic neuron come from a list, without a queue."""

    listed = True


def vectorise_events(group, begins=False):
    """In standalone code, let a group without a refractory period find its events in blocks, and step in vector registers.

    A ``touch`` comes with a spike, but for those that open a task or close a phase, or, where it ``begins``, a presentation
    that teaches; so it is looked for among the spikes.
    """
    if not standalone():
        return
    group.state_updater.codeobj_class = DenseCodeObject
    for resetter in group.resetter.values():
        resetter.codeobj_class = DenseCodeObject
    for event, thresholder in group.thresholder.items():
        thresholder.codeobj_class = DenseCodeObject
        if event == "touch":
            thresholder.needed_variables += ["_spikespace"]
            seen = brian2.get_device().get_array_name(group.variables["seen"], access_data=False)
            first = f" || (teaching > 0 && {seen}[0] < presentation_index)"  # all of them touch, or none
            thresholder.template_kwds |= {
                "among": group.variables["_spikespace"],
                "whole": "opening || closing" + first * begins,
            }


def arithmetic(dense="auto"):
    """The class of code that does something to every neuron of a group, such as ``run_regularly``; None for Brian2's own."""
    return DenseCodeObject if dense and standalone() else None


class RuleSynapses(brian2.Synapses):
    """Synapses whose compiled code is chosen when a network with them is built: by what they connect, and by their delays.

    Parameters
    ----------
    dense : {"auto", True, False}
        As for `spikemeta.backends.brian.synapses`.
    own : tuple of str
        The pathways, of presynaptic events, that may walk lists; others are Brian2's where the projection is not all-to-all.
    *args, **kwargs
        As for ``brian2.Synapses``.
    """

    def __init__(self, *args, dense="auto", own=(), **kwargs):
        if dense not in ("auto", True, False):
            raise UserError(suggest("dense", str(dense), ("auto", "True", "False")))
        super().__init__(*args, **kwargs)
        self._dense, self._own, self._connections, self._all_to_all = dense, own, 0, False

    def connect(self, condition=None, i=None, j=None, p=1.0, n=1, skip_if_invalid=False, namespace=None, level=0):
        """As ``brian2.Synapses.connect``.

        Raises
        ------
        UserError
            With ``dense=True``, for all but a single connection of all to all.
        """
        everything = str(condition) in ("None", "True") and i is None and j is None and (p, n) == (1, 1)
        if self._dense is True and (self._connections or not everything):
            raise UserError(
                f"dense=True is for all-to-all synapses, but {self.name!r} is connected "
                f"{'again' if self._connections else 'in part'}: leave out dense"
            )
        super().connect(condition, i, j, p, n, skip_if_invalid, namespace, level + 1)
        if str(condition) != "False":
            self._connections += 1
            self._all_to_all = everything and self._connections == 1

    def before_run(self, run_namespace):
        self._choose()
        super().before_run(run_namespace)

    def _choose(self):
        """Set how the compiled code of each own pathway finds synapses; Brian2's queue is kept, once spikes may be in it."""
        if not self._dense or not standalone():
            return
        for path in self._pathways:
            walked = DenseCodeObject if self._all_to_all else ListedCodeObject if path.objname in self._own else None
            first = path._pushspikes_codeobj is None
            chosen = None if _delayed(path) or not (first or path.codeobj_class) else walked
            if chosen is not path.codeobj_class:
                path.codeobj_class, path._pushspikes_codeobj = chosen, None
            path.needed_variables = [path.eventspace_name] if chosen else []


def _delayed(path):
    """Whether a pathway, which has one delay for all synapses, was given another than zero."""
    device, variable = brian2.get_device(), path.variables["delay"]
    names, found = {device.get_array_name(variable, access_data=access) for access in (True, False)}, False
    for kind, argument in device.main_queue:
        if kind == "set_by_single_value" and argument[0] in names:
            found = float(argument[2]) != 0
        elif kind.startswith("set_") and argument[0] in names:
            found = True
    return found


def in_rows(made):
    """Whether compiled code walks whole rows in every pathway of these synapses, and so needs no indices of them."""
    made._choose()
    return all(path.codeobj_class is DenseCodeObject for path in made._pathways)
