"""Trains perceptrons on permuted images with a rule as the optimizer, in the settings that papers published."""

import hashlib
import importlib.metadata
import json
import time
import zipfile
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np

from spikemeta import registry
from spikemeta.errors import UserError
from spikemeta.results import FinishedRun, atomic, plain
from spikemeta.sampling import stream

_PERMUTATION, _ORDER = range(2)  # random streams of a seed


@dataclass(frozen=True)
class Setting:
    """Everything that decides a published experiment.

    Attributes
    ----------
    label : str
    source : str
        Paper, and where in it or its code.
    published : str
        The number to compare with, and its spread.
    rule : str
    constants : dict
        Of the rule.
    hidden : tuple of int
    tasks, epochs, batch : int
    shuffle : bool
        Whether the images of a task come in a new order in each epoch, or as they are stored.
    samples : int
        Weight samples a step; at prediction too.
    adam : float
        Learning rate of the base optimizer Adam, 0 for none.
    standardised : bool
        Whether pixels have the mean 0 and the deviation 1 of their split; else 0 to 1.
    first_plain : bool
        Whether the first task keeps its pixels in place.
    spread : float or str
        Initial weights, see `spikemeta.networks.perceptron`.
    sigma : float
        Initial standard deviation of the weights times the square root of the layer's inputs, for rules with
        ``sigma_init``.
    biases : bool
    summed : bool
        Whether the loss of a batch is the sum over its images; else the mean.
    recent : int
        Number of last tasks that the headline averages over, and that are tested; 0 for all.
    bfloat16 : bool
        Whether matrix products are computed in bfloat16; weights, gradients and the rule's state stay in float32.
    limit : int or None
        Training images used.
    """

    label: str
    source: str
    published: str
    rule: str
    constants: dict
    hidden: tuple
    tasks: int
    epochs: int
    batch: int
    shuffle: bool
    samples: int = 1
    adam: float = 0.0
    standardised: bool = False
    first_plain: bool = False
    spread: float | str = "glorot"
    sigma: float = 0.0
    biases: bool = False
    summed: bool = False
    recent: int = 0
    bfloat16: bool = False
    limit: int | None = None


@dataclass(frozen=True)
class Point:
    """One setting under one seed; as `spikemeta.pool.Point`."""

    label: str
    seed: int
    setting: Setting
    dataset: str
    state: str
    resume: bool
    fingerprint: str = ""

    @property
    def total(self):
        """Optimizer steps."""
        n = len(load(self.dataset).train_labels)
        n = min(n, self.setting.limit or n)
        return self.setting.tasks * self.setting.epochs * -(-n // self.setting.batch)


def fingerprint(point):
    """Digest of what decides a point's outcome."""
    rule = registry.get_rule(point.setting.rule)
    texts = [rule.state, rule.weight, rule.initial, rule.on_presentation, rule.on_gradient, rule.on_boundary]
    texts += [rule.base_gradient, rule.on_base_step, {n: p.value for n, p in rule.parameters.items()}]
    plain_setting = {f.name: f.default for f in fields(Setting)}
    decides = {k: v for k, v in asdict(point.setting).items() if k not in ("label", "source", "published")}
    decides = {k: v for k, v in decides.items() if v != plain_setting[k]}
    parts = [texts, decides, point.seed, load(point.dataset).digests, importlib.metadata.version("spikemeta")]
    return hashlib.sha256(json.dumps(plain(parts), sort_keys=True).encode()).hexdigest()


def load(name):
    """A data set, loaded once per process."""
    from spikemeta import pool

    return pool.dataset(name)


def metrics_of(runs, recent):
    """Metrics of one setting, as in ``summary.json``; ``accuracy`` is over the tasks that the paper scores."""
    from spikemeta import metrics

    table = {}
    for name, get in {
        "accuracy": lambda m: m[-1, -recent:].mean(),
        "final_accuracy": lambda m: m[-1].mean(),
        "just_learned_accuracy": lambda m: np.diag(m).mean(),
        "last_just_learned_accuracy": lambda m: m[-1, -1],
    }.items():
        values = [float(get(run.arrays["accuracy_matrix"])) for run in runs]
        summary = metrics.summarise(values)
        table[name] = {"mean": summary.mean, "std": summary.std, "values": values}
    return table


def to_dataset(settings, runs, n_seeds, attributes):
    """All accuracy matrices as an xarray.Dataset: ``accuracy`` (setting, seed, after, task), fraction."""
    import xarray

    n = max(s.tasks for s in settings)
    cells = np.full((len(settings), n_seeds, n, n), np.nan)
    for k, s in enumerate(settings):
        for seed in range(n_seeds):
            if (s.label, seed) in runs:
                cells[k, seed, : s.tasks, : s.tasks] = runs[s.label, seed].arrays["accuracy_matrix"]
    coordinates = {"setting": [s.label for s in settings], "seed": np.arange(n_seeds, dtype=np.int32)}
    coordinates |= {"after": np.arange(1, n + 1, dtype=np.int32), "task": np.arange(1, n + 1, dtype=np.int32)}
    dims = ("setting", "seed", "after", "task")
    return xarray.Dataset({"accuracy": (dims, cells, {"units": "1"})}, coordinates, attributes)


class Trainer:
    """One network, trained on one task after another.

    Parameters
    ----------
    setting : Setting
    dataset : spikemeta.datasets.Dataset
    seed : int
        Of the initial weights, the permutations, the order of the images and the weight noise.
    """

    def __init__(self, setting, dataset, seed):
        import torch

        self.setting, self.seed, self.torch = setting, seed, torch
        self.network = registry.load("networks", "perceptron")
        self.images = {split: self._pixels(getattr(dataset, f"{split}_images")) for split in ("train", "test")}
        self.labels = {s: torch.tensor(getattr(dataset, f"{s}_labels"), dtype=torch.int64) for s in ("train", "test")}
        if setting.limit:
            self.images["train"], self.labels["train"] = (
                self.images["train"][: setting.limit],
                self.labels["train"][: setting.limit],
            )
        sizes = (dataset.n_pixels, *setting.hidden, dataset.n_classes)
        start = self.network.start(sizes, torch.Generator().manual_seed(seed), setting.spread, setting.biases)
        self.weights = {name: torch.nn.Parameter(w) for name, w in start.items()}
        self.optimizer = self._optimizer()
        self.matrix = np.full((setting.tasks, setting.tasks), np.nan)
        self.epoch = 0  # of all tasks together

    def _pixels(self, images):
        x = self.torch.tensor(images, dtype=self.torch.float32) / 255
        return (x - x.mean()) / x.std() if self.setting.standardised else x

    def _optimizer(self):
        s, groups = self.setting, []
        for name, p in self.weights.items():
            own = {"sigma_init": s.sigma / p.shape[-1] ** 0.5} if s.sigma else {}
            groups.append({"params": [(name, p)], **own})
        base = partial(self.torch.optim.Adam, lr=s.adam, fused=True) if s.adam else None
        return registry.get_rule(s.rule).optimizer(groups, seed=self.seed, base=base, **s.constants)

    def pixels_of(self, task):
        """The order of the pixels in a task, or None."""
        if task == 0 and self.setting.first_plain:
            return None
        order = stream(self.seed, _PERMUTATION, task).permutation(self.images["train"].shape[1])
        return self.torch.from_numpy(order)

    def _seen(self, split, task):
        order = self.pixels_of(task)
        return self.images[split] if order is None else self.images[split][:, order]

    def train_epoch(self, progress):
        """One pass through the images of the present task."""
        s, torch = self.setting, self.torch
        task, number = divmod(self.epoch, s.epochs)
        if number == 0:
            self.present = self._seen("train", task)
            if self.epoch:
                self.optimizer.boundary()
        elif not hasattr(self, "present"):  # resumed
            self.present = self._seen("train", task)
        n = len(self.present)
        order = torch.arange(n)
        if s.shuffle:
            order = torch.from_numpy(stream(self.seed, _ORDER, self.epoch).permutation(n))
        reduction = "sum" if s.summed else "mean"
        for step, chosen in enumerate(order.split(s.batch)):
            x, y = (self.present[chosen], self.labels["train"][chosen]) if s.shuffle else self._slice(chosen)
            if s.samples > 1:
                self.optimizer.step(partial(self._losses, x, y, reduction), samples=s.samples, stacked=True)
            else:
                self.optimizer.zero_grad()
                torch.nn.functional.cross_entropy(self._logits(self.weights, x), y, reduction=reduction).backward()
                self.optimizer.step()
            if step % 64 == 0:
                progress(step)
        self.epoch += 1

    def _slice(self, chosen):
        here = slice(int(chosen[0]), int(chosen[-1]) + 1)
        return self.present[here], self.labels["train"][here]

    def _logits(self, weights, x):
        with self.torch.autocast("cpu", self.torch.bfloat16, enabled=self.setting.bfloat16):
            return self.network(weights, x).float()

    def _losses(self, x, y, reduction, weights):
        logits = self._logits(weights, x)
        samples, n, classes = logits.shape
        losses = self.torch.nn.functional.cross_entropy(logits.reshape(-1, classes), y.repeat(samples), reduction="none").view(
            samples, n
        )
        return losses.sum(1) if reduction == "sum" else losses.mean(1)

    def test(self, tasks):
        """Accuracy on the test images of these tasks; by the mean log-probability over weight samples."""
        torch, s = self.torch, self.setting
        right = {task: 0.0 for task in tasks}
        with torch.no_grad():
            sets = []
            for _ in range(s.samples):
                with self.optimizer.sampled():
                    sets.append({name: p.detach().clone() for name, p in self.weights.items()})
            for task in tasks:
                x, total = self._seen("test", task), 0
                for weights in sets:
                    total = total + torch.log_softmax(self.network(weights, x), -1)
                right[task] = float((total.argmax(-1) == self.labels["test"]).float().mean())
        return right

    # ---- saving and resuming

    def save(self, path, fingerprint):
        """Write everything that the run goes on from, atomically."""
        state = {
            "weights": {name: p.detach() for name, p in self.weights.items()},
            "optimizer": self.optimizer.state_dict(),
            "matrix": self.torch.from_numpy(self.matrix),
            "epoch": self.epoch,
            "fingerprint": fingerprint,
        }
        with atomic(path) as temporary:
            self.torch.save(state, temporary)

    def load(self, path, fingerprint):
        """Go on from a file, if there is one; True if so.

        Raises
        ------
        UserError
            If it is damaged or belongs to another setting.
        """
        if not Path(path).is_file():
            return False
        try:
            state = self.torch.load(path, weights_only=True)
            found, matrix = state["fingerprint"], state["matrix"].numpy()
        except (OSError, RuntimeError, KeyError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
            raise UserError(f"{path} is damaged ({type(error).__name__}): delete it, or run without --resume") from None
        if found != fingerprint:
            raise UserError(
                f"{path} holds a run of another setting, seed or data: choose another --out, or run without --resume"
            )
        with self.torch.no_grad():
            for name, p in self.weights.items():
                p.copy_(state["weights"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        self.matrix, self.epoch = matrix, state["epoch"]
        return True


def execute(point, progress):
    """Train and test one network.

    Parameters
    ----------
    point : Point
    progress : callable
        ``progress(phase_name, done, total)``, in optimizer steps.

    Returns
    -------
    FinishedRun
        ``accuracy_matrix`` (tasks, tasks): after each task (rows) on each task (columns), fraction; NaN where not tested.
    """
    import torch

    torch.set_num_threads(1)  # a process for each core
    began, setting = time.perf_counter(), point.setting
    trainer = Trainer(setting, load(point.dataset), point.seed)
    path = Path(point.state) / "state.pt"
    if point.resume:
        trainer.load(path, point.fingerprint)
    epochs = setting.tasks * setting.epochs
    per_epoch = point.total // epochs
    while trainer.epoch < epochs:
        task, base = trainer.epoch // setting.epochs, trainer.epoch * per_epoch
        trainer.train_epoch(lambda step, base=base, task=task: progress(f"task {task + 1}", base + step, point.total))
        if trainer.epoch % setting.epochs == 0:
            first = max(0, task + 1 - setting.recent) if setting.recent and trainer.epoch < epochs else 0
            for tested, accuracy in trainer.test(range(first, task + 1)).items():
                trainer.matrix[task, tested] = accuracy
        trainer.save(path, point.fingerprint)
    progress("done", point.total, point.total)
    info = {"rule": setting.rule, "constants": asdict(setting), "seconds": time.perf_counter() - began}
    return FinishedRun(point.label, point.seed, point.fingerprint, {"accuracy_matrix": trainer.matrix}, info)
