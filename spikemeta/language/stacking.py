"""A network's text with several hidden layers in place of one."""

import re

from spikemeta.errors import UserError
from spikemeta.language.equations import numbered


def stacked(network, n_hidden):
    """Texts of layers and projections; see `spikemeta.language.network.Network.stacked`.

    Parameters
    ----------
    network : Network
    n_hidden : tuple of int

    Returns
    -------
    layers, projections : str
    """
    structure = network.structure
    found = [name for name, layer in structure.layers.items() if layer.size == "n_hidden"]
    if len(found) != 1 or not n_hidden or min(n_hidden) < 1:
        raise UserError(
            f"network {network.name!r}: {', '.join(map(str, n_hidden))} hidden neurons can take the place of one layer "
            f"of size n_hidden; it has {len(found)}"
        )
    if structure.answer[1] in found and len(n_hidden) > 1:
        raise UserError(f"network {network.name!r}: its hidden layer answers, so that there can be only one")
    if len(n_hidden) == 1:
        return network.layers, network.projections
    (hidden,) = found
    named = lambda word, number: word if number == 0 else f"{word}{number + 1}"  # noqa: E731
    last, layers, projections = len(n_hidden) - 1, [], []
    for line, text in numbered(network.layers):
        copies = enumerate(n_hidden) if line == structure.layers[hidden].line else [(0, None)]
        for number, size in copies:
            text_of = text if size is None else re.sub(r"\bn_hidden\b", str(size), text, count=1)
            layers.append(re.sub(r"^\w+", lambda m, n=number: named(m[0], n), text_of))
    lines = dict(numbered(network.projections))
    for name, p in structure.projections.items():
        ends, options = lines[p.line].partition(",")[0], "".join(lines[p.line].partition(",")[1:])
        write = lambda word, a, b, of=options: projections.append(f"{word} : {a} -> {b}{of}")  # noqa: E731
        further = re.sub(r"\b[A-Za-z]\w*", lambda m: _further(m[0], network.parameters), options)
        if p.source == hidden and p.target == hidden:
            for number in range(last + 1):
                write(named(name, number), *[named(hidden, number)] * 2, further if number else options)
        elif p.target == hidden:
            write(name, p.source, hidden)
            if structure.layers[p.source].is_input:
                for number in range(1, last + 1):
                    write(named(name, number), named(hidden, number - 1), named(hidden, number), further)
        elif p.source == hidden:
            write(name, named(hidden, last), p.target)
        else:
            projections.append(f"{ends}{options}")
    return "\n".join(layers), "\n".join(projections)


def _further(name, parameters):
    """What a parameter is called in further hidden layers: ``hidden2_spread`` for ``hidden_spread`` where there is one."""
    owner, _, what = name.partition("_")
    return f"{owner}2_{what}" if what and f"{owner}2_{what}" in parameters else name
