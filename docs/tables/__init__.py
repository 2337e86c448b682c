"""Tables of recorded results, for the pages: every number comes from ``docs/recorded``. ``docs/pages.py`` puts them there."""

from tables.engines import both_engines, carried, costs, shapes, speed, stream, stream_course, stream_energy
from tables.hardware import chip_costs, chip_curves, chips, devices, losses, own_constants, visits
from tables.headlines import headlines
from tables.items import deranged, ends, frequent, hidden_list, mixed, positions, repeated, spaced, targeted
from tables.recorded import RECORDED, command, names, provenance, searches, summary
from tables.rules import compared, published, rules, search, triangle, windows
from tables.scenarios import buffers, scenario
from tables.synapses import lifetimes, synapses
from tables.uncertainty import against_uniform, areas, uncertain

__all__ = [
    "RECORDED",
    "against_uniform",
    "areas",
    "both_engines",
    "buffers",
    "carried",
    "chip_costs",
    "chip_curves",
    "chips",
    "command",
    "compared",
    "costs",
    "deranged",
    "devices",
    "ends",
    "frequent",
    "headlines",
    "hidden_list",
    "lifetimes",
    "losses",
    "mixed",
    "names",
    "own_constants",
    "positions",
    "provenance",
    "published",
    "repeated",
    "rules",
    "scenario",
    "search",
    "searches",
    "shapes",
    "spaced",
    "speed",
    "stream",
    "stream_course",
    "stream_energy",
    "summary",
    "synapses",
    "targeted",
    "triangle",
    "uncertain",
    "visits",
    "windows",
]
