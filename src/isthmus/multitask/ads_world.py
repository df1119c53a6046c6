"""The users and ads of the generated example: what they are like, and when they are there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.core.arrays import Floats

Ints = NDArray[np.int64]

TOPICS = (
    "books",
    "cars",
    "cooking",
    "fashion",
    "films",
    "fitness",
    "furniture",
    "games",
    "garden",
    "health",
    "music",
    "pets",
    "phones",
    "sport",
    "tools",
    "travel",
)
DEVICES = ("phone", "tablet", "desktop")
PLACEMENTS = ("feed", "search", "story", "video", "sidebar", "article-top", "article-end", "mail")

USUAL_PRICE = 3.3
"""Mean of the logarithm of prices."""

_USERS, _ADS, _ADVERTISERS = 12_000, 2_500, 300
_HIDDEN = 4
"""Factors of users and ads that no column shows."""

_NAMED = 4
"""Most interests that a user names."""

_NO_AGE = 0.3
"""Share of the users who do not say how old they are."""

_ALIKE = 0.7
"""Share of the ads that are about the topic of their advertiser."""


@dataclass(frozen=True)
class Users:
    """All users, those to come as well; every array has one line per user."""

    id: Ints
    first_hour: Floats
    """When the user comes; below 0 if before the log begins."""

    activity: Floats
    cares: Floats
    """For each topic: sum 1."""

    hidden: Floats
    """Factors that no column shows."""

    eagerness: Floats
    budget: Floats
    age: Floats
    """NaN for those who did not say."""

    interests: list[list[str]]
    """Some topics that the user cares for."""

    device: Floats
    """How often the user has each device in hand: sum 1."""

    def there(self, hour: int) -> NDArray[np.bool_]:
        """Returns which users have come by an hour."""
        return self.first_hour <= hour


@dataclass(frozen=True)
class Ads:
    """All ads, those to come as well; every array has one line per ad."""

    first_hour: Floats
    last_hour: Floats
    weight: Floats
    about: Floats
    """How much of each topic is in it: sum 1."""

    hidden: Floats
    """Factors that no column shows."""

    appeal: Floats
    topic: Ints
    """The one that its advertiser says it is about."""

    advertiser: Ints
    price: Floats

    def shown(self, hour: int) -> NDArray[np.bool_]:
        """Returns which ads are running at an hour."""
        return (self.first_hour <= hour) & (hour <= self.last_hour)


@dataclass(frozen=True)
class World:
    """Users, ads, and what matters besides."""

    users: Users
    ads: Ads
    trust: Floats
    """In each advertiser."""

    topic_by_hour: Floats
    topic_by_place: Floats
    place_by_device: Floats
    buys_on: Floats
    """By device."""


def draw(random: np.random.Generator, hours: int) -> World:
    """Draw a world.

    Args:
        random: The generator.
        hours: How long it is watched.

    Returns:
        The world.
    """
    topics, places, devices = len(TOPICS), len(PLACEMENTS), len(DEVICES)
    return World(
        users=_users(random, hours),
        ads=_ads(random, hours),
        trust=random.normal(0, 0.5, _ADVERTISERS),
        topic_by_hour=_daily(random, topics),
        topic_by_place=random.normal(0, 0.4, (topics, places)),
        place_by_device=random.normal(0, 0.4, (places, devices)),
        buys_on=np.array([-0.3, 0.0, 0.4]),
    )


def _users(random: np.random.Generator, hours: int) -> Users:
    cares = random.gamma(0.25, 1.0, (_USERS, len(TOPICS))) + 1e-6
    cares /= cares.sum(axis=1, keepdims=True)
    age = np.clip(random.normal(38, 13, _USERS), 16, 90).round()
    return Users(
        id=random.choice(2**40, _USERS, replace=False),
        first_hour=_appearing(random, _USERS, hours, before=0.6),
        activity=_zipf(random, _USERS, exponent=1.0, shift=30),
        cares=cares,
        hidden=random.normal(0, 1, (_USERS, _HIDDEN)),
        eagerness=random.normal(0, 0.5, _USERS),
        budget=random.normal(0, 0.8, _USERS) + (age - 38) / 25,
        age=np.where(random.random(_USERS) < _NO_AGE, np.nan, age),
        interests=_interests(random, cares),
        device=random.dirichlet((3.0, 0.5, 1.5), _USERS),
    )


def _ads(random: np.random.Generator, hours: int) -> Ads:
    size = _zipf(random, _ADVERTISERS, exponent=1.0, shift=3)
    advertiser = random.choice(_ADVERTISERS, _ADS, p=size / size.sum())
    of_advertiser = random.integers(len(TOPICS), size=_ADVERTISERS)[advertiser]
    any_topic = random.integers(len(TOPICS), size=_ADS)
    topic = np.where(random.random(_ADS) < _ALIKE, of_advertiser, any_topic)
    about = random.gamma(0.15, 1.0, (_ADS, len(TOPICS)))
    about[np.arange(_ADS), topic] += 2.0
    first = _appearing(random, _ADS, hours, before=0.3)
    return Ads(
        first_hour=first,
        last_hour=np.maximum(first, 0) + 24 + random.gamma(2.0, 5 * 24, _ADS),
        weight=_zipf(random, _ADS, exponent=0.9, shift=10),
        about=about / about.sum(axis=1, keepdims=True),
        hidden=random.normal(0, 1, (_ADS, _HIDDEN)),
        appeal=random.normal(0, 0.5, _ADS),
        topic=topic,
        advertiser=advertiser,
        price=np.exp(random.normal(USUAL_PRICE, 1.0, _ADS)).round(2),
    )


def _zipf(random: np.random.Generator, count: int, exponent: float, shift: float) -> Floats:
    """Returns weights by the law of Zipf and Mandelbrot, in no order."""
    return random.permutation((np.arange(count) + 1 + shift) ** -exponent)


def _appearing(random: np.random.Generator, count: int, hours: int, before: float) -> Floats:
    """Returns the hour in which each appears, -1 for the share that was there before."""
    when = random.uniform(0, hours, count)
    return np.where(random.random(count) < before, -1.0, when)


def _interests(random: np.random.Generator, cares: Floats) -> list[list[str]]:
    """Each user names up to four topics, those with more care more probably."""
    count = random.integers(0, _NAMED + 1, len(cares))
    order = np.argsort(np.log(random.random(cares.shape)) / cares, axis=1)[:, ::-1]
    return [[TOPICS[at] for at in line[:n]] for line, n in zip(order, count, strict=True)]


def _daily(random: np.random.Generator, topics: int) -> Floats:
    """Returns how each topic interests at each hour: a wave of a day with a peak of its own."""
    peak, height = random.uniform(0, 24, (topics, 1)), random.uniform(0.2, 0.8, (topics, 1))
    return height * np.cos((np.arange(24) - peak) * np.pi / 12)
