"""How likely chance alone looks like what was measured: tests, intervals, robust lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from parity.boxes import Floats

CONFIDENCE = 0.95  # of the intervals of shares
_HUBER = 1.345  # residuals beyond so many sigmas count linearly: 95 % efficient for a normal error
_MAD = 0.6745  # the median absolute deviation of a normal distribution, in its sigmas
_ROUNDS = 8  # reweighting has converged by then to far below a limit


def median(values: Floats) -> float:
    """The middle one of (n,) finite values, or halfway between two. NumPy's costs five times as
    much for the few of one image, and a suite asks for thousands."""
    ordered, count = np.sort(values), len(values)
    return float((ordered[(count - 1) // 2] + ordered[count // 2]) / 2)


def exceeds_by_chance(
    excess: Floats,
    deviation: float | None = None,
    freedom: int | None = None,
    together: float = 0.0,
) -> float:
    """How likely noise alone, of a mean or a median at the limit, exceeds it as these values do.

    ``excess`` (n,): by how much each value is beyond the limit. The smaller of a sign test's (it
    minds no outlier, but needs twenty values) and a one-sided Student's t test's (Student, "The
    probable error of a mean", 1908). ``deviation`` of a value, with its degrees of ``freedom``,
    where more values than these tell it; else it is taken from these, of which there must be three.
    ``together``: how likely noise alone puts these few values so close together, less than which
    the t test must not say: it takes noise for normal.
    """
    from scipy.special import bdtrc, stdtr

    count, above = len(excess), int((excess > 0).sum())
    by_sign = float(bdtrc(above - 1, count, 0.5)) if above else 1.0
    mean = float(excess.mean())
    if mean <= 0:
        return by_sign
    if deviation is None or freedom is None:
        if count < 3:
            return by_sign
        deviation, freedom = float(excess.std(ddof=1)), count - 1
    error = deviation / np.sqrt(count)
    by_mean = float(stdtr(freedom, -mean / error)) if error > 0 else 0.0
    return min(by_sign, max(by_mean, together))


def together_by_chance(values: Floats, limits: Floats) -> float:
    """At most how likely values (n,) lie so close together that noise spreads evenly within limits.

    ``limits`` (n,) are those of each on either side of 0. The first may be anywhere, and the others
    are no further from it than these are from each other. 0 where one is beyond its limit.
    """
    if (np.abs(values) > limits).any():
        return 0.0
    near = np.minimum(np.ptp(values) / (2 * limits), 1.0)
    if not near.min():
        return 0.0
    return float(min(1.0, len(values) * near.prod() / near.min()))


def above_by_chance(value: float, limit: float, error: float, freedom: int) -> float:
    """How likely an estimate at the limit comes out as far above it (one-sided t test)."""
    from scipy.special import stdtr

    if value <= limit:
        return 1.0
    return float(stdtr(freedom, -(value - limit) / error)) if error > 0 else 0.0


def robust_line(design: Floats, values: Floats) -> tuple[Floats, Floats]:
    """The coefficients (2,) of ``design`` (n, 2) that fit ``values`` (n,); two covariances (2, 2).

    Iteratively reweighted least squares with Huber's weights (Huber, "Robust estimation of a
    location parameter", 1964), so that single outliers do not turn the line. The first covariance
    is that of equal noise everywhere, the second that of noise which differs from place to place,
    as of scores near a threshold and near 1 (HC3 of MacKinnon and White, "Some
    heteroskedasticity-consistent covariance matrix estimators", 1985).
    """
    weights = np.ones(len(values))
    beta: Floats = np.zeros(2)
    for _ in range(_ROUNDS):
        weighted = design * weights[:, None]
        beta = np.linalg.lstsq(weighted.T @ design, weighted.T @ values, rcond=None)[0].astype(
            float
        )
        residual = np.abs(values - design @ beta)
        sigma = median(residual) / _MAD
        if sigma <= 1e-12:
            break
        weights = np.minimum(1.0, _HUBER * sigma / np.maximum(residual, 1e-12))
    residual = values - design @ beta
    variance = float(residual @ residual) / (len(values) - 2)
    inverse = np.linalg.pinv(design.T @ design)
    leverage = ((design @ inverse) * design).sum(axis=1)
    spread = (residual / np.maximum(1.0 - leverage, 1e-9)) ** 2
    uneven = inverse @ (design.T * spread) @ design @ inverse
    return beta, np.stack([inverse * variance, uneven]).astype(float)


def line_ends(
    design: Floats, values: Floats, at: Floats, quantiles: Sequence[float] = (5, 95)
) -> Iterator[tuple[float, float, float]]:
    """A robust line at quantiles (percent) of ``at`` (n,): where, its value, its standard error.

    The error is the larger one of even noise and of noise that differs along the line.

    The columns of ``design`` multiply 1 and ``at`` minus its median.
    """
    beta, covariances = robust_line(design, values)
    middle = median(at)
    for quantile in quantiles:
        place = float(np.percentile(at, quantile))
        one = np.array([1.0, place - middle])
        error = float(np.sqrt(max((one @ covariances @ one).max(), 0.0)))
        yield place, float(one @ beta), error


def at_least(count: int, chances: Sequence[float]) -> float:
    """How likely at least ``count`` of independent events with these chances happen.

    The tail of a Poisson binomial distribution (exact): the binomial distributions of those with
    equal chances, convolved.
    """
    from scipy.special import bdtrc

    if count <= 0:
        return 1.0
    if not len(chances):
        return 0.0
    *others, last = zip(*np.unique(chances, return_counts=True), strict=True)
    distribution = np.ones(1)
    for chance, events in others:
        distribution = np.convolve(distribution, _binomial(events, chance))
    missing = count - np.arange(len(distribution)) - 1
    rest = np.where(missing < 0, 1.0, bdtrc(np.maximum(missing, 0), last[1], last[0]))
    return float(distribution @ np.where(missing < last[1], rest, 0.0))


def _binomial(events: int, chance: float) -> Floats:
    """How likely 0, 1, ... events of equal chance happen."""
    from scipy.special import gammaln, xlog1py, xlogy

    k = np.arange(events + 1.0)
    ways = gammaln(events + 1) - gammaln(k + 1) - gammaln(events - k + 1)
    likely: Floats = np.exp(ways + xlogy(k, chance) + xlog1py(events - k, -chance))
    return likely


def lower_bound(count: int, total: int, confidence: float = CONFIDENCE) -> float:
    """The least true share with which so many of ``total`` are found that often or more.

    One-sided (Clopper and Pearson, "The use of confidence or fiducial limits", 1934).
    """
    from scipy.special import betaincinv

    if count <= 0:
        return 0.0
    return float(betaincinv(count, total - count + 1, 1 - confidence))


def upper_bound(count: int, total: int, confidence: float = CONFIDENCE) -> float:
    """The largest true share with which so few of ``total`` are found; 1 where nothing was tried.

    One-sided, see ``lower_bound``.
    """
    from scipy.special import betaincinv

    if count >= total:
        return 1.0
    return float(betaincinv(count + 1, total - count, confidence))
