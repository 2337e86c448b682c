"""Trains perceptrons on permuted images or on items with a rule as the optimizer, in the settings that papers published."""

import json
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np

from spikemeta.analysis.rows import FinishedRun
from spikemeta.data.sampling import stream
from spikemeta.errors import UserError
from spikemeta.language import registry
from spikemeta.runs import pool
from spikemeta.runs.published_setting import fingerprint, items_of
from spikemeta.simulation import checkpoint
from spikemeta.system import stopping

_PERMUTATION, _ORDER, _DROPPED = range(3)  # random streams of a seed

_TESTED = 500  # images tested at once by a network of convolutions, which needs much memory for each


class Trainer:
    """One network, trained on one task after another.

    Parameters
    ----------
    setting : spikemeta.runs.published_setting.Setting
    dataset : spikemeta.data.datasets.Dataset
    seed : int
        Of the initial weights, the permutations, the order of the images and the weight noise.
    """

    def __init__(self, setting, dataset, seed):
        import torch

        self.setting, self.seed, self.torch = setting, seed, torch
        if dataset.spikes:
            raise UserError(f"data set {dataset.name!r} holds spikes: published settings are trained on images")
        self.network = registry.load("networks", setting.network)
        self.images = {split: self._pixels(getattr(dataset, f"{split}_images")) for split in ("train", "test")}
        self.labels = {s: torch.tensor(getattr(dataset, f"{s}_labels"), dtype=torch.int64) for s in ("train", "test")}
        if setting.limit and not setting.items:
            self.images["train"], self.labels["train"] = (
                self.images["train"][: setting.limit],
                self.labels["train"][: setting.limit],
            )
        sizes = (dataset.n_pixels, *setting.hidden, dataset.n_classes)
        start = self.network.start(sizes, torch.Generator().manual_seed(seed), setting.spread, setting.biases)
        self.weights = {name: torch.nn.Parameter(w) for name, w in start.items()}
        self.optimizer = self._optimizer()
        self.phases = items_of(setting, dataset.name, seed) if setting.items else None
        self.matrix = np.full((setting.tasks, setting.tasks), np.nan)
        self.epoch, self.shown = 0, None  # epochs of all tasks together; the task whose images are at hand
        self.step = 0  # of the epoch

    def _pixels(self, images):
        x = self.torch.tensor(images, dtype=self.torch.float32) / 255
        return (x - x.mean()) / x.std() if self.setting.standardised else x

    def _optimizer(self):
        s, groups = self.setting, []
        for name, p in self.weights.items():
            own = {"sigma_init": s.sigma / self.network.fan(p) ** 0.5} if s.sigma else {}
            groups.append({"params": [(name, p)], **own, **s.constants_of.get(name, {})})
        base = partial(self.torch.optim.Adam, lr=s.adam, fused=True) if s.adam else None
        return registry.get_rule(s.rule).optimizer(groups, seed=self.seed, base=base, **s.constants)

    def pixels_of(self, task):
        """The order of the pixels in a task, or None."""
        if task == 0 and self.setting.first_plain:
            return None
        order = stream(self.seed, _PERMUTATION, task).permutation(self.images["train"].shape[1])
        return self.torch.from_numpy(order)

    def _seen(self, split, task):
        """Images of a task as the network sees them, and their labels."""
        if self.phases:
            phase = self.phases[split == "test"][task]
            chosen = self.torch.tensor(phase.indices, dtype=self.torch.int64)
            return self.images[phase.split][chosen], self.torch.tensor(phase.labels, dtype=self.torch.int64)
        if self.setting.per_task:
            classes = self.setting.classes_of(task)
            here = (self.labels[split] >= classes.start) & (self.labels[split] < classes.stop)
            return self.images[split][here], self.labels[split][here] - classes.start
        order = self.pixels_of(task)
        return self.images[split] if order is None else self.images[split][:, order], self.labels[split]

    def train_epoch(self, progress, keep=lambda: None):
        """One pass through the images of the present task, or the rest of it; ``keep()`` is called now and then to save."""
        s, torch = self.setting, self.torch
        task, number = divmod(self.epoch, s.epochs)
        if number == 0 and self.step == 0 and (task or s.items):
            self.optimizer.boundary()
            if s.fresh_base:
                self.optimizer.base.state.clear()
        if self.shown != task:
            self.shown = task
            self.present, self.answers = self._seen("train", task)
        n = len(self.present)
        order = torch.arange(n)
        if s.shuffle:
            order = torch.from_numpy(stream(self.seed, _ORDER, self.epoch).permutation(n))
        reduction = "sum" if s.summed else "mean"
        due = time.monotonic() + checkpoint.INTERVAL
        for step, chosen in enumerate(order.split(s.batch)):
            if step < self.step:
                continue
            if step > self.step and (time.monotonic() > due or stopping.wanted()):
                due, self.step = time.monotonic() + checkpoint.INTERVAL, step
                keep()
            x, y = (self.present[chosen], self.answers[chosen]) if s.shuffle else self._slice(chosen)
            self.place = self.epoch, step
            if s.samples > 1:
                self.optimizer.step(partial(self._losses, x, y, reduction), samples=s.samples, stacked=True)
            else:
                self.optimizer.zero_grad()
                self._loss(self._logits(self.weights, x), y, reduction).backward()
                self.optimizer.step()
            if step % 64 == 0:
                progress(step)
        self.epoch, self.step = self.epoch + 1, 0

    def _slice(self, chosen):
        here = slice(int(chosen[0]), int(chosen[-1]) + 1)
        return self.present[here], self.answers[here]

    def _logits(self, weights, x):
        drops = {}
        if self.network.drops:  # by the place in the run, so that a resumed one drops the same
            seed = int(stream(self.seed, _DROPPED, *self.place).integers(2**62))
            drops["generator"] = self.torch.Generator().manual_seed(seed)
        with self.torch.autocast("cpu", self.torch.bfloat16, enabled=self.setting.bfloat16):
            return self._counting(self.network(weights, x, **drops).float(), self.shown)

    def _counting(self, logits, task):
        """The answers that count in a task."""
        classes = self.setting.classes_of(task)
        return logits[..., classes.start : classes.stop] if classes else logits

    def _loss(self, logits, y, reduction):
        clip, functional = self.setting.clip, self.torch.nn.functional
        if not clip:
            return functional.cross_entropy(logits, y, reduction=reduction)
        return functional.nll_loss(logits.softmax(-1).clamp(clip, 1 - clip).log(), y, reduction=reduction)

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
                    sets.append({name: (p.sign() if s.binary else p).detach().clone() for name, p in self.weights.items()})
            for task in tasks:
                (x, y), total = self._seen("test", task), 0
                for weights in sets:
                    parts = x.split(_TESTED) if self.network.drops else [x]
                    logits = torch.cat([self.network(weights, part) for part in parts])
                    total = total + torch.log_softmax(self._counting(logits, task), -1)
                right[task] = float((total.argmax(-1) == y).float().mean())
        return right

    # ---- saving and resuming

    def save(self, path, fingerprint):
        """Write everything that the run goes on from, atomically."""
        state = {
            "weights": {name: p.detach() for name, p in self.weights.items()},
            "optimizer": self.optimizer.state_dict(),
            "matrix": self.torch.from_numpy(self.matrix),
            "epoch": self.epoch,
            "step": self.step,
        }
        arrays = {}
        tree = checkpoint.packed(state, arrays)
        checkpoint.write(path, {"setting, seed, data or sources": fingerprint}, arrays | {"tree": np.array(json.dumps(tree))})

    def load(self, path, fingerprint):
        """Go on from a file, if there is one; True if so.

        Raises
        ------
        UserError
            If it is damaged or belongs to another setting.
        """
        if not Path(path).is_file():
            return False
        arrays = checkpoint.read(path, {"setting, seed, data or sources": fingerprint})
        state = checkpoint.unpacked(json.loads(str(arrays.pop("tree"))), arrays)
        matrix = state["matrix"].numpy()
        with self.torch.no_grad():
            for name, p in self.weights.items():
                p.copy_(state["weights"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        if len(matrix) > len(self.matrix) and np.isfinite(matrix[len(self.matrix) :]).any():
            raise UserError(f"{path} holds more tasks than are asked for: ask for more, or run without --resume")
        n = min(len(matrix), len(self.matrix))
        self.matrix[:n, :n], self.epoch, self.step = matrix[:n, :n], state["epoch"], state["step"]
        return True


def execute(point, progress):
    """Train and test one network.

    Parameters
    ----------
    point : spikemeta.runs.published_setting.Point
    progress : callable
        ``progress(phase_name, done, total)``, in optimizer steps.

    Returns
    -------
    FinishedRun
        ``accuracy_matrix`` (tasks, tasks): after each task (rows) on each one seen (columns), fraction; NaN above the diagonal.
    """
    import torch

    torch.set_num_threads(1)  # a process for each core
    began, setting = time.perf_counter(), point.setting
    trainer = Trainer(setting, pool.dataset(point.dataset), point.seed)
    path, same = (
        Path(point.state) / "state.checkpoint",
        fingerprint(point, ("tasks",)),
    )  # more tasks may follow on the same state
    if point.resume:
        trainer.load(path, same)
    epochs = setting.tasks * setting.epochs
    per_epoch = point.total // epochs

    def keep():
        trainer.save(path, same)
        if stopping.wanted():
            raise stopping.interrupt()

    while trainer.epoch < epochs:
        task, base = trainer.epoch // setting.epochs, trainer.epoch * per_epoch
        with stopping.deferred():
            trainer.train_epoch(lambda step, base=base, task=task: progress(f"task {task + 1}", base + step, point.total), keep)
            if trainer.epoch % setting.epochs == 0:
                trainer.matrix[task, : task + 1] = list(trainer.test(range(task + 1)).values())
            trainer.save(path, same)
    progress("done", point.total, point.total)
    info = {"rule": setting.rule, "constants": asdict(setting), "seconds": time.perf_counter() - began}
    return FinishedRun(point.label, point.seed, point.fingerprint, {"accuracy_matrix": trainer.matrix}, info)
