"""Computes quantiles of the symmetric beta distribution: a weight for mixing from one uniform number.

NumPy's generators sample it by rejection, which needs a varying number of uniform numbers. A quantile
needs one. So the weight of an image does not depend on those of other images.
"""

import numpy as np

from fitfeed.pipelines.arrays.types import Floats

TERMS = 28
"""Terms of the series below. With x <= 1/2, further terms change a probability by less than 1e-11."""

STEPS = 4
"""Steps of Newton's method. Each doubles the correct digits; more steps change nothing."""


def beta_quantile(alpha: Floats, probability: Floats) -> Floats:
    """Finds where the distribution function of Beta(alpha, alpha) reaches a probability.

    For x <= 1/2 the function is proportional to

        h(t) = t * sum over k of c[k] * alpha / (alpha + k) * x**k,   t = x**alpha,

    c being the binomial series of (1 - x)**(alpha - 1). In t it is smooth even where the density of x
    has a pole, and its slope is (1 - x)**(alpha - 1). The other half mirrors it.

    Args:
        alpha: float64 (n,) in (0, 1].
        probability: float64 (n,) in [0, 1).

    Returns:
        float64 (n,) in [0, 1].
    """
    # For an alpha so small, a weight other than 0 and 1 has no chance that float64 could hold.
    alpha = np.maximum(alpha, 1e-6)
    k = np.arange(1, TERMS)[:, None]
    series = np.cumprod((k - alpha) / k, axis=0) * alpha / (alpha + k)  # (TERMS - 1, n)

    def power_sum(x: Floats) -> Floats:
        total = np.zeros_like(x)
        for term in series[::-1]:
            total += term
            total *= x
        return total + 1.0

    half = np.full_like(alpha, 0.5)
    # h(1/2) belongs to the probability 1/2, so the beta function is not needed.
    target = 2.0 * np.minimum(probability, 1.0 - probability) * half**alpha * power_sum(half)
    t = np.minimum(target, half**alpha)
    # h is convex and at least t, so Newton's method comes down from `target` to the root, never past it.
    for _ in range(STEPS):
        x = t ** (1.0 / alpha)
        t = np.maximum(t - (t * power_sum(x) - target) * (1.0 - x) ** (1.0 - alpha), 0.0)
    x = np.minimum(t ** (1.0 / alpha), 0.5)
    return np.where(probability < 0.5, x, 1.0 - x)
