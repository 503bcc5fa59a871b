from __future__ import annotations

import pytest

from folkmoot.errors import RateLimited
from folkmoot.net.buckets import TokenBucket


def test_a_bucket_starts_full_refills_evenly_and_never_overflows() -> None:
    bucket = TokenBucket(3, 60)
    for _ in range(3):
        bucket.take("a", 0)
    with pytest.raises(RateLimited, match=r"^Too many requests. 3 per 60 seconds$") as caught:
        bucket.take("a", 0)
    assert caught.value.retry_after_seconds == pytest.approx(20)
    bucket.take("b", 0)
    with pytest.raises(RateLimited):
        bucket.take("a", 19.9)
    bucket.take("a", 20)
    for _ in range(3):
        bucket.take("a", 10_000)
    with pytest.raises(RateLimited):
        bucket.take("a", 10_000)


def test_asking_often_does_not_starve_the_refill() -> None:
    bucket = TokenBucket(1, 10)
    bucket.take("a", 0)
    for tenth in range(1, 100):
        with pytest.raises(RateLimited):
            bucket.take("a", tenth / 10)
    bucket.take("a", 10)


def test_require_takes_nothing() -> None:
    bucket = TokenBucket(1, 10)
    for _ in range(5):
        bucket.require("a", 0)
    bucket.take("a", 0)
    with pytest.raises(RateLimited):
        bucket.require("a", 0)


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    bucket = TokenBucket(1, 10)
    bucket.take("a", 100)
    with pytest.raises(RateLimited):
        bucket.take("a", 50)


def test_keys_are_bounded_and_the_longest_unused_goes_first() -> None:
    bucket = TokenBucket(2, 60, max_keys=3)
    for key in "abcad":
        bucket.take(key, 0)
    assert len(bucket) == 3
    bucket.take("b", 0)
    with pytest.raises(RateLimited):
        bucket.take("a", 0)


@pytest.mark.parametrize(("rate", "per"), [(0, 1), (1, 0), (-1, 1)])
def test_a_bucket_that_makes_no_sense(rate: int, per: float) -> None:
    with pytest.raises(ValueError):
        TokenBucket(rate, per)
