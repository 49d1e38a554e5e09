"""What many answers to one item tell: whether the right one is among them, and whether they agree."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence

from headgate.kit.errors import Refused


def pass_at_k(n: int, c: int, k: int) -> float:
    """Chance that one of k answers is right, estimated without bias from c right ones among n.

    1 - C(n-c, k) / C(n, k) (Chen et al. 2021, section 2.1), as a product so that nothing overflows.

    Raises:
        Refused: more right answers than answers, or fewer answers than k.
    """
    if not 0 <= c <= n or not 1 <= k <= n:
        raise Refused("pass@k needs k answers or more", found=f"n {n}, right {c}, k {k}", wanted="0 <= c <= n, k <= n")
    if n - c < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / i for i in range(n - c + 1, n + 1))


def modal_share(answers: Sequence[Hashable]) -> float:
    """Share of the most frequent answer; 1 where all agree.

    Raises:
        Refused: no answers.
    """
    return Counter(_some(answers)).most_common(1)[0][1] / len(answers)


def entropy(answers: Sequence[Hashable]) -> float:
    """Entropy of the answers in bits: 0 where all agree, log2(n) where all differ.

    Raises:
        Refused: no answers.
    """
    shares = [count / len(answers) for count in Counter(_some(answers)).values()]
    return abs(sum(share * math.log2(share) for share in shares))


def _some(answers: Sequence[Hashable]) -> Sequence[Hashable]:
    if not answers:
        raise Refused("no answers to count")
    return answers
