"""What repeated predictions say: entropies and their parts, areas under the ROC curve, calibration.

A prediction is the softmax of a readout's spike counts over a temperature: shares of spikes would be undefined in silence, and
give no probability at all to a class without spikes; a softmax answers silence with the uniform distribution, and one number,
fitted on validation images, sets how much a spike says. Entropies are in nats.

References
----------
- Depeweg et al. 2018, "Decomposition of uncertainty in Bayesian deep learning", ICML: predictive entropy H(mean p),
  aleatoric mean H(p), epistemic their difference, the mutual information of class and weights.
- Guo et al. 2017, "On calibration of modern neural networks", ICML: temperature, reliability diagram, expected
  calibration error (eq. 3, bins of equal width).
"""

import numpy as np

BINS = 10


def softmax(counts, temperature):
    """Spike counts (..., n_classes) as distributions over classes, the same shape."""
    scaled = np.asarray(counts, float) / temperature
    raised = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def entropy(p):
    """Entropy over the last axis, in nats; 0 log 0 is 0."""
    p = np.asarray(p, float)
    return -np.sum(p * np.log(p, where=p > 0, out=np.zeros_like(p)), axis=-1)


def decompose(p):
    """Uncertainties of repeated predictions.

    Parameters
    ----------
    p : (n_showings, n, n_classes)
        Distributions over classes.

    Returns
    -------
    dict of str to ndarray, (n,)
        ``predictive``, ``aleatoric`` and ``epistemic``, nats, rounded to 1e-12 so that equal ones stay equal in rank.
    """
    predictive, aleatoric = entropy(np.mean(p, axis=0)), entropy(p).mean(axis=0)
    found = {"epistemic": np.maximum(predictive - aleatoric, 0), "aleatoric": aleatoric, "predictive": predictive}
    return {name: np.round(values, 12) for name, values in found.items()}


def auroc(inside, outside):
    """Area under the ROC curve: how often an image from outside scores higher, ties counted half; (n,) and (m,) scores."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(np.repeat([0, 1], [len(inside), len(outside)]), np.concatenate([inside, outside])))


def reliability(confidence, right, bins=BINS):
    """Accuracy by confidence, in bins of equal width, the upper end included.

    Parameters
    ----------
    confidence : (n,)
        Probability of the answer, 0 to 1.
    right : (n,) bool
    bins : int

    Returns
    -------
    share, confidence, accuracy : (bins,)
        Fraction of the images in each bin, and their means; nan in empty bins.
    """
    place = np.clip(np.ceil(np.asarray(confidence) * bins).astype(int) - 1, 0, bins - 1)
    n = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(place, np.asarray(values, float), minlength=bins) / n for values in (confidence, right)]
    return n / n.sum(), *means


def calibration_error(confidence, right, bins=BINS):
    """Expected calibration error: mean distance of accuracy and confidence over the bins of `reliability`, by their shares."""
    share, sure, accurate = reliability(confidence, right, bins)
    return float(np.sum(share * np.nan_to_num(np.abs(accurate - sure))))


def loss(counts, labels, temperature):
    """Negative log likelihood of labels (n,) under the mean prediction of counts (n_showings, n, n_classes): (n,), nats."""
    mean = softmax(counts, temperature).mean(axis=0)
    return -np.log(np.maximum(mean[np.arange(len(labels)), labels], 1e-300))


def fit_temperature(counts, labels):
    """The temperature, 0.01 to 1000 spikes, with the least mean `loss`."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda x: loss(counts, labels, np.exp(x)).mean(),
        bounds=(np.log(0.01), np.log(1000)),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return float(np.exp(found.x))


def right_of(counts, mean, labels):
    """Whether the mean prediction answers rightly; an image that is silent in every showing is wrong. (n,) bool"""
    return (mean.argmax(axis=1) == labels) & (counts.sum(axis=(0, 2)) > 0)
