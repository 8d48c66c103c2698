"""
Logarithms, exponentials and random normal numbers of whole arrays, compiled to vector instructions.

Compiled code calls the mathematical library for one number at a time, in 5 to 10 ns. Polynomials of the mantissa take
about one. Relative errors are below 1e-15 of logarithms (absolute below 1e-16 near 1) and below 1e-14 of exponentials.

Random numbers are those of SplitMix64 (Steele, Lea & Flood 2014, OOPSLA, 453), a mix of seed and position, so that
numbers of any position are made at once; pairs of normal numbers follow by the transform of Box & Muller.
"""

import numpy as np

from bayescannon.numerics.compiled import compiled

_LN2_HIGH, _LN2_LOW, _LOG2_E = 6.93147180369123816490e-01, 1.90821492927058770002e-10, 1.4426950408889634
# bits of sqrt(1/2): mantissas become sqrt(1/2) to sqrt(2)
_ROOT_HALF = np.int64(0x3FE6A09E667F3BCD)
# adding it rounds a number to the nearest whole one
_ROUND = 6755399441055744.0
_SMALLEST = -708.0
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_TWO_PI = 6.283185307179586
_PER_HALF = 2.0**-32


@compiled(nogil=True, error_model="numpy", fastmath={"contract"})
def log_all(x, result, mantissa):  # type: ignore[no-untyped-def]
    """Fill result (n,) with ln x of positive, finite, normal numbers; mantissa (n,) is scratch space."""
    bits, own = x.view(np.int64), mantissa.view(np.int64)
    for s in range(len(x)):
        exponent = (bits[s] - _ROOT_HALF) >> 52
        own[s] = bits[s] - (exponent << 52)
        result[s] = float(exponent)
    for s in range(len(x)):
        f = (mantissa[s] - 1.0) / (mantissa[s] + 1.0)
        z = f * f
        series = 1.0 / 17 + z * (1.0 / 19 + z / 21)
        series = 1.0 / 9 + z * (1.0 / 11 + z * (1.0 / 13 + z * (1.0 / 15 + z * series)))
        series = z * (1.0 / 3 + z * (1.0 / 5 + z * (1.0 / 7 + z * series)))
        result[s] = result[s] * _LN2_HIGH + (2.0 * f + (2.0 * f * series + result[s] * _LN2_LOW))


@compiled(nogil=True, error_model="numpy", fastmath={"contract"})
def exp_all(x, result, power):  # type: ignore[no-untyped-def]
    """Fill result (n,) with e^x of numbers up to 700; 0 below -708. power (n,) is scratch space."""
    bits = power.view(np.int64)
    for s in range(len(x)):
        at = max(x[s], _SMALLEST)
        shifted = at * _LOG2_E + _ROUND
        whole = shifted - _ROUND
        r = at - whole * _LN2_HIGH - whole * _LN2_LOW
        series = 1.0 / 39916800 + r / 479001600
        series = 1.0 / 40320 + r * (1.0 / 362880 + r * (1.0 / 3628800 + r * series))
        series = 1.0 / 120 + r * (1.0 / 720 + r * (1.0 / 5040 + r * series))
        result[s] = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6 + r * (1.0 / 24 + r * series))))
        power[s] = shifted
    for s in range(len(x)):
        # the low bits of the shifted number are the whole one
        bits[s] = ((bits[s] & 0xFFF) - ((bits[s] & 0x800) << 1) + 1023) << 52
    for s in range(len(x)):
        result[s] = result[s] * power[s] if x[s] >= _SMALLEST else 0.0


@compiled(nogil=True, error_model="numpy")
def random_bits(seed, first, bits):  # type: ignore[no-untyped-def]
    """Fill bits (n,), of type uint64, with the random numbers of a seed from position `first` on."""
    start = _mixed(seed) + np.uint64(first) * _GOLDEN
    for s in range(len(bits)):
        bits[s] = _mixed(start + np.uint64(s) * _GOLDEN)


@compiled(nogil=True)
def _mixed(z):  # type: ignore[no-untyped-def]
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))


@compiled(nogil=True, error_model="numpy", fastmath={"contract"})
def normal_pairs(bits, first, second, work):  # type: ignore[no-untyped-def]
    """
    Fill two arrays (n,) with independent standard normal numbers from random bits (n,) of type uint64.

    `work` is scratch space, two arrays (n,).
    """
    uniform, log = work
    for s in range(len(bits)):
        uniform[s] = (float(np.int64(bits[s] >> np.uint64(32))) + 0.5) * _PER_HALF
    log_all(uniform, log, first)
    for s in range(len(bits)):
        turn = (float(np.int64(bits[s] & np.uint64(0xFFFFFFFF))) + 0.5) * _PER_HALF
        quarter = (turn * 4.0 + _ROUND) - _ROUND
        angle = (turn - 0.25 * quarter) * _TWO_PI
        z = angle * angle
        sine = 1.0 / 120 + z * (-1.0 / 5040 + z * (1.0 / 362880 + z * (-1.0 / 39916800 + z / 6227020800)))
        sine = angle * (1.0 + z * (-1.0 / 6 + z * sine))
        cosine = 1.0 / 24 + z * (-1.0 / 720 + z * (1.0 / 40320 + z * (-1.0 / 3628800 + z / 479001600)))
        cosine = 1.0 + z * (-0.5 + z * cosine)
        radius = np.sqrt(-2.0 * log[s])
        odd = quarter == 1.0 or quarter == 3.0
        along, across = (sine, cosine) if odd else (cosine, sine)
        first[s] = -radius * along if quarter == 1.0 or quarter == 2.0 else radius * along
        second[s] = -radius * across if quarter == 2.0 or quarter == 3.0 else radius * across
