"""How compiled code walks the synapses of a rule: rows, lists, or Brian2's own queue; and events, in blocks."""

import re

import brian2
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.devices.cpp_standalone.device import CPPStandaloneDevice

from spikemeta.errors import UserError, suggest


def standalone():
    """Whether Brian2 is set to C++ standalone."""
    return isinstance(brian2.get_device(), CPPStandaloneDevice)


class DenseCodeObject(CPPStandaloneCodeObject):
    """Pathway of an all-to-all projection in C++ standalone: Brian2's own translation in contiguous rows."""

    templater = CPPStandaloneCodeObject.templater.derive("spikemeta.backends")
    listed = False


class ListedCodeObject(DenseCodeObject):
    """Pathway of any projection: the synapses of a presynaptic neuron come from a list, without a queue."""

    listed = True


def vectorise_events(group, begins=False):
    """Let the events of a group without a refractory period be found in blocks, in standalone code.

    A ``touch`` comes with a spike, but for those that open a task or close a phase, or, where it ``begins``, a presentation
    that teaches; so it is looked for among the spikes.
    """
    if not standalone():
        return
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


class RuleSynapses(brian2.Synapses):
    """Synapses whose compiled code is chosen when a network with them is built: by what they connect, and by their delays.

    Parameters
    ----------
    dense : {"auto", True, False}
        As for `spikemeta.backends.brian.synapses`.
    own : tuple of str
        The pathways that the choice is about; others are Brian2's.
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
        walked = DenseCodeObject if self._all_to_all else ListedCodeObject
        for path in (getattr(self, name) for name in self._own):
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


def _split_rows(lines, listed, first=0):
    """Brian2's vector code as what is the same for all synapses of one presynaptic neuron, and what is not.

    ``first`` is the first postsynaptic neuron of a row.
    """
    column = f"_column + {first}" if first else "_column"
    row, body, varying = [], [], {"_idx", "_column", "_vectorisation_idx"}
    for line in "\n".join(lines).split("\n"):
        line = line.strip()
        if not listed:
            line = re.sub(r"= \S+synaptic_post\[_idx\];", f"= {column};", line)
        if not line or re.match(r"(const )?\w+ _presynaptic_idx =", line):
            continue
        constant = re.match(r"const \w+ (\w+) = (.*);$", line)
        if constant and not varying & set(re.findall(r"\w+", constant[2])):
            row.append(line)
            continue
        declared = re.match(r"(?:const )?(?:\w+ )?(\w+)(?: [-+*/]?=|;)", line)
        if declared:
            varying.add(declared[1])
        body.append(line)
    return row, body


def _independent(lines):
    """Whether no synapse of a presynaptic neuron writes what another one reads: none writes to that neuron."""
    return not re.search(r"\[_presynaptic_idx\] [-+*/]?=[^=]", "\n".join(lines))


def _drawing(lines):
    """Brian2's vector code that draws: names of the draws, the code that uses them, and (name, array) of what it stores.

    None for code without a draw, with one that is not the whole of a statement, or with several of one name.
    """
    draws, body, stores = [], [], []
    for line in (part.strip() for part in "\n".join(lines).split("\n")):
        drawn = re.match(r"(\w+) = _rand\(_vectorisation_idx\);$", line)
        stored = re.match(r"(\w+)\[_idx\] = (\w+);$", line)
        if drawn:
            draws.append(drawn[1])
            line = f"{drawn[1]} = _drawn_{drawn[1]}[_lane];"
        elif stored:
            stores.append((stored[2], stored[1]))
            line = f"_made_{stored[2]}[_lane] = {stored[2]};"
        body.append(line)
    left = "\n".join(body)
    if not draws or len(set(draws)) < len(draws) or re.search(r"_randn?\(|\[_idx\] [-+*/]?=[^=]", left):
        return None
    return draws, left, stores


FILTERS = DenseCodeObject.templater.env.filters
FILTERS["row_code"] = lambda lines, listed, first=0: _split_rows(lines, listed, first)[0]
FILTERS["column_code"] = lambda lines, listed, first=0: _split_rows(lines, listed, first)[1]
FILTERS["independent"] = _independent
FILTERS["drawing_code"] = _drawing
