"""What neurons do, shown images or recorded in a run: spikes and variables such as potentials, step by step."""

from dataclasses import dataclass, field, replace

import numpy as np

from spikemeta.data.trains import Trains
from spikemeta.errors import UserError, suggest
from spikemeta.simulation import stimuli, written

_MS = 1e-3  # s


@dataclass(frozen=True)
class Activity:
    """Spikes and variables of neurons.

    Attributes
    ----------
    spikes : dict of str to ndarray of bool, (n_images, n_steps, n_neurons)
        By layer, the input included.
    variables : dict of str to ndarray, (n_images, n_steps, n_neurons)
        By ``LAYER.VARIABLE``, as the threshold saw it, in SI units; of one that a layer shares, the same for all neurons.
    step : float
        ms.
    names : tuple of str
        What each image is called; empty for ``image 0`` and so on.
    """

    spikes: dict
    variables: dict = field(default_factory=dict)
    step: float = 1.0
    names: tuple = ()

    def to_dataset(self):
        """As an xarray.Dataset: ``hidden.spikes`` and each variable by image, time (ms) and neuron."""
        import xarray

        found = {f"{layer}.spikes": values for layer, values in self.spikes.items()} | self.variables
        data = {name: (("image", "time", f"{name.partition('.')[0]}_neuron"), values) for name, values in found.items()}
        steps = next(iter(found.values())).shape[1]
        return xarray.Dataset(data, {"time": ("time", self.step * np.arange(steps), {"units": "ms"})})

    def to_neo(self):
        """As a ``neo.Block``: a segment for each image, in it a spike train for each neuron, and a signal for each variable.

        Raises
        ------
        UserError
            Without the package neo.
        """
        try:
            import neo
        except ImportError:
            raise UserError("to_neo() needs the package neo: pip install neo") from None
        block = neo.Block(name="spikemeta")
        n_images, n_steps, _ = next(iter((self.spikes | self.variables).values())).shape
        for image in range(n_images):
            segment = neo.Segment(name=self.names[image] if self.names else f"image {image}", index=image)
            for layer, fired in self.spikes.items():
                for neuron in range(fired.shape[2]):
                    times = self.step * fired[image, :, neuron].nonzero()[0]
                    train = neo.SpikeTrain(times, units="ms", t_stop=self.step * n_steps, name=f"{layer} {neuron}")
                    train.annotate(layer=layer, neuron=neuron)
                    segment.spiketrains.append(train)
            for name, values in self.variables.items():
                signal = neo.AnalogSignal(values[image], units="dimensionless", sampling_period=_period(self.step), name=name)
                segment.analogsignals.append(signal)
            block.segments.append(segment)
        return block


def recorded(arrays):
    """What a run recorded of neurons.

    Parameters
    ----------
    arrays : dict of str to ndarray, or xarray.Dataset
        `Run.recorded`, or of a study's ``results.nc`` one rule and seed: ``results.sel(rule="sgd", seed=0)``.

    Returns
    -------
    Activity
        Images are presentations, named ``presentation 1000`` by the number of training presentations before.

    Raises
    ------
    UserError
        Where no neurons were recorded.
    """
    found = {str(name): np.asarray(arrays[name]) for name in arrays if np.ndim(arrays[name]) == 3}
    if not found:
        raise UserError("no neurons were recorded of one run: record some, as hidden.spikes, and select one rule and seed")
    numbers = np.asarray(arrays["shown_presentation"], float)
    there = np.isfinite(numbers)  # a shorter run has fewer
    spikes = {name.rpartition(".")[0]: x[there] > 0 for name, x in found.items() if name.endswith(".spikes")}
    variables = {name: x[there] for name, x in found.items() if not name.endswith(".spikes")}
    time = np.asarray(arrays["time"], float)
    return Activity(spikes, variables, float(time[1] - time[0]), tuple(f"presentation {n:.0f}" for n in numbers[there]))


def _period(step):
    import quantities

    return step * quantities.ms


def _spikes(plan, images, seed):
    """Input spikes of some stimuli: (steps, n, n_input) float64, 0 or 1."""
    import torch

    from spikemeta.backends.networks import coding

    if isinstance(images, Trains):
        step = plan.network.si(plan.constants)["step"]
        return torch.tensor(images.dense(np.arange(len(images)), step, plan.steps), dtype=torch.float64)
    generator = torch.Generator().manual_seed(int(np.random.SeedSequence([seed, 5]).generate_state(1)[0]))
    return coding.draw(plan, torch.tensor(images, dtype=torch.float64) / 255, generator)


def show(simulation, curriculum, weights, images, variables=(), seed=0):
    """Show images to a network under given weights, without learning.

    In a presentation the weights stand still (a rule runs once, after it), so this is what neurons do while it learns, too, at
    these weights. It is computed in float64 by the network's text, whose spikes are those of both engines.

    Parameters
    ----------
    simulation : Simulation
    curriculum : Curriculum
        What it was trained on; decides its constants and its size.
    weights : dict of str to ndarray
        By projection, as in `Run.weights`.
    images : ndarray of uint8, (n_images, n_pixels), or Trains
        Or spikes, of a data set that holds some: ``dataset.test_images[:5]``.
    variables : sequence of str
        ``"hidden.v"``: a variable of a layer.
    seed : int
        Of the run, whose connections a sparse network has; and of the input's spikes.

    Returns
    -------
    Activity

    Raises
    ------
    UserError
        For variables, weights or images that do not fit, all at once; for a network whose neurons keep something.
    """
    import torch

    from spikemeta.backends.networks.torch import NetworkModule

    sizes = curriculum.dataset.train_images.shape[1], simulation.n_hidden, curriculum.n_classes
    made = written.as_text(simulation.network, simulation.network_name)
    own = stimuli.network_parameters(made, simulation.network_name, curriculum.dataset, simulation.network_parameters)
    if made.kept(sizes):
        lasting = ", ".join(name.partition(" ")[2] for name in made.kept(sizes))
        raise UserError(
            f"network {made.network.name!r} keeps {lasting} from one presentation to the next: it cannot be shown alone; "
            f"record its neurons in a run, as record={lasting.partition(',')[0]!r}"
        )
    parameters = made.parameters(curriculum.name, curriculum.dataset.name, own)
    plan = made.started(sizes, parameters, made.start(sizes, parameters, np.random.default_rng([seed, 1])))
    known = [f"{layer}.{variable}" for layer, step in plan.layers.items() for variable in step.variables]
    problems = [suggest("variable of a layer", name, known) for name in variables if name not in known]
    for name in plan.plastic:
        found, wanted = np.shape(weights.get(name)), plan.weights[name].shape
        if name not in weights or found != wanted:
            problems.append(f"weights of {name!r} must have the shape {wanted}, not {found if name in weights else 'none'}")
    problems += [suggest("projection", name, plan.plastic) for name in weights if name not in plan.plastic]
    images = images if made.takes_spikes else np.asarray(images)
    if made.takes_spikes and not isinstance(images, Trains):
        problems.append("spikes are shown to this network: give some of the data set's, as dataset.test_images[:5]")
    elif not made.takes_spikes and (images.ndim != 2 or images.shape[1] != sizes[0] or images.dtype != np.uint8):
        problems.append(f"images must be uint8 of shape (n, {sizes[0]}), not {images.dtype} of shape {images.shape}")
    if problems:
        raise UserError("\n".join(problems))
    module = NetworkModule(replace(plan, weights=plan.weights | weights), torch.float64)
    spikes = _spikes(plan, images, seed)
    with torch.no_grad():
        fired, _ = module.respond(spikes)
        seen = {name: module.respond(spikes, potential=tuple(name.split(".")))[1] for name in variables}
    shape = lambda name: (len(images), plan.steps, plan.sizes[name.partition(".")[0]])  # noqa: E731
    by_image = lambda x: x.transpose(0, 1).numpy()  # noqa: E731
    return Activity(
        {name: by_image(x) > 0 for name, x in fired.items()},
        {name: np.array(np.broadcast_to(by_image(x), shape(name))) for name, x in seen.items()},
        plan.network.si(plan.constants)["step"] / _MS,
    )
