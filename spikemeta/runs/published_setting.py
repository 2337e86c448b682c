"""What decides an experiment that a paper published, as a point of a study: its setting, seed and images."""

import hashlib
import importlib.metadata
import json
from dataclasses import MISSING, asdict, dataclass, field, fields

import numpy as np

from spikemeta.language import registry
from spikemeta.runs import pool
from spikemeta.system import source_identity
from spikemeta.system.files import plain


@dataclass(frozen=True)
class Setting:
    """Everything that decides a published experiment.

    Attributes
    ----------
    label : str
    source : str
        Paper, and where in it or its code.
    published : (float, float or None) or str
        The accuracy to compare with, in %, and its spread; or what was said in words.
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
        Number of last tasks that the headline averages over; 0 for all.
    bfloat16 : bool
        Whether matrix products are computed in bfloat16; weights, gradients and the rule's state stay in float32.
    limit : int or None
        Training images used; of items, images of a class.
    items : bool
        Whether the tasks are items (`spikemeta.data.items`), each of which opens with a boundary, in place of permutations.
    constants_of : dict
        Constants of single parameters, by name, as ``{"weight1": {...}}``.
    validation : bool
        Whether items are tested on images cut from the training data.
    trials : int
        Seeds for each seed of the study.
    clip : float
        Probabilities are clipped to [clip, 1 - clip] before the logarithm of the loss, so that images beyond give no
        gradient, as in Keras 2; 0 for the plain cross-entropy.
    network : str
    per_task : int
        Classes of a task, where tasks are classes that come in turn and have answers of their own: only those count, in
        training and in tests, as the network is told the task. 0: every class in every task.
    fresh_base : bool
        Whether the base optimizer forgets what it holds at each task.
    binary : bool
        Whether a test takes the signs of the drawn weights alone, where training draws them between -1 and 1.
    """

    label: str
    source: str
    published: tuple | str
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
    items: bool = False
    constants_of: dict = field(default_factory=dict)
    validation: bool = False
    trials: int = 1
    clip: float = 0.0
    network: str = "perceptron"
    per_task: int = 0
    fresh_base: bool = False
    binary: bool = False

    def classes_of(self, task):
        """The classes of a task, where tasks are classes that come in turn."""
        return range(task * self.per_task, (task + 1) * self.per_task)


@dataclass(frozen=True)
class Point:
    """One setting under one seed; as `spikemeta.runs.pool.Point`."""

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
        labels = pool.dataset(self.dataset).train_labels[: self.setting.limit]
        n, s = len(labels), self.setting
        if s.per_task:
            sizes = [np.isin(labels, s.classes_of(task)).sum() for task in range(s.tasks)]
            return s.epochs * sum(-(-int(size) // s.batch) for size in sizes)
        if self.setting.items:  # as many images of other classes as of the item's own
            n = len(items_of(self.setting, self.dataset, self.seed)[0][0].indices)
        return self.setting.tasks * self.setting.epochs * -(-n // self.setting.batch)


def fingerprint(point, ignored=()):
    """Digest of what decides a point's outcome, but for these fields of the setting."""
    rule = registry.get_rule(point.setting.rule)
    texts = [rule.state, rule.weight, rule.initial, rule.on_presentation, rule.on_gradient, rule.on_boundary]
    texts += [rule.base_gradient, rule.on_base_step, {n: p.value for n, p in rule.parameters.items()}]
    plain_setting = {f.name: f.default if f.default_factory is MISSING else f.default_factory() for f in fields(Setting)}
    decides = {k: v for k, v in asdict(point.setting).items() if k not in ("label", "source", "published", "trials", *ignored)}
    decides = {k: v for k, v in decides.items() if v != plain_setting[k]}
    parts = [texts, decides, point.seed, pool.dataset(point.dataset).digests, importlib.metadata.version("spikemeta")]
    parts.append(source_identity.sources())
    return hashlib.sha256(json.dumps(plain(parts), sort_keys=True).encode()).hexdigest()


def items_of(setting, dataset, seed):
    """The training phases of the items, and the test phases after the last, in order."""
    from spikemeta.data import items

    n = setting.tasks
    evaluate = "validation" if setting.validation else "test"
    made = items.build(pool.dataset(dataset), seed=seed, n_items=n, limit=setting.limit, tests="end", evaluate=evaluate)
    return [p for p in made.phases if p.kind == "train"], [p for p in made.phases if p.kind == "test"]
