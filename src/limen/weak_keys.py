"""Public keys whose shape is right and whose private part, or a signature, anybody can find."""

from __future__ import annotations

from functools import cache
from math import isqrt
from typing import Final

# ROCA (CVE-2017-15361): primes of the form k * M + 65537**a mod M, where M has all of these.
_GENERATOR: Final = 65537
_LAST_PRIME: Final = 167
# Steps of Fermat's method (CVE-2022-26320): two primes that were chosen side by side.
_FERMAT_STEPS: Final = 100
_LOW_BITS_OF_SQUARES: Final = frozenset(n * n % 64 for n in range(64))

_FIELD: Final = 2**255 - 19  # RFC 8032 section 5.1
_SIGN: Final = 1 << 255
# The y coordinates of the eight points that eight times themselves is nothing of: under each
# of them a signature exists that fits one text in eight, or every text.
_ORDER_8: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL_ORDER: Final = frozenset({0, 1, _FIELD - 1, _ORDER_8, _FIELD - _ORDER_8})


def is_weak_modulus(modulus: int) -> bool:
    """Tell whether an RSA modulus has a small factor, two near ones, or the mark of ROCA."""
    remainders = [(modulus % prime, powers) for prime, powers in _powers()]
    if modulus % 2 == 0 or any(remainder == 0 for remainder, _ in remainders):
        return True
    return all(remainder in powers for remainder, powers in remainders) or _has_near_factors(
        modulus
    )


def is_degenerate_ed25519(public: bytes) -> bool:
    """Tell whether 32 octets are a point of small order, or no canonical spelling of one."""
    y = int.from_bytes(public, "little") & ~_SIGN
    return y >= _FIELD or y in _SMALL_ORDER


def _has_near_factors(modulus: int) -> bool:
    root = isqrt(modulus)
    if root * root == modulus:
        return True
    root += 1
    rest = root * root - modulus
    for _ in range(_FERMAT_STEPS):
        if rest % 64 in _LOW_BITS_OF_SQUARES and isqrt(rest) ** 2 == rest:
            return True
        rest += 2 * root + 1
        root += 1
    return False


@cache
def _powers() -> tuple[tuple[int, frozenset[int]], ...]:
    """Return the odd primes, each with the remainders that powers of the generator leave."""
    primes = [n for n in range(3, _LAST_PRIME + 1, 2) if all(n % d for d in range(3, n, 2))]
    return tuple(
        (prime, frozenset(pow(_GENERATOR, power, prime) for power in range(prime)))
        for prime in primes
    )
