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

_USERS, _ADS, _ADVERTISERS = 12_000, 1_500, 200
_FACTORS = 5
"""Latent factors of users and ads."""

_PAGES, _READ = 480, 12
"""Pages that there are, and those that a user reads."""

_UNSEEN = 0.05
"""Share of the users who were not seen to read anything."""

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
    taste: Floats
    """Latent factors, shape (users, factors): mostly those of the pages read."""

    eagerness: Floats
    budget: Floats
    age: Floats
    """NaN for those who did not say."""

    pages: list[list[str]]
    """Pages that the user was seen to read: some, or none, of those that made the taste."""

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
    character: Floats
    """Latent factors, shape (ads, factors): of its topic, its advertiser and its own."""

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
    character = random.normal(0, 1, (topics, _FACTORS))
    return World(
        users=_users(random, hours, character),
        ads=_ads(random, hours, character),
        trust=random.normal(0, 0.5, _ADVERTISERS),
        topic_by_hour=_daily(random, topics),
        topic_by_place=random.normal(0, 0.4, (topics, places)),
        place_by_device=random.normal(0, 0.4, (places, devices)),
        buys_on=np.array([-0.3, 0.0, 0.4]),
    )


def _users(random: np.random.Generator, hours: int, topics: Floats) -> Users:
    page_topic = np.arange(_PAGES) % len(TOPICS)
    pages = topics[page_topic] + random.normal(0, 0.7, (_PAGES, _FACTORS))
    read = _read(random, page_topic)
    taste: Floats = pages[read].mean(axis=1)
    taste /= taste.std()
    age = np.clip(random.normal(38, 13, _USERS), 16, 90).round()
    return Users(
        id=random.choice(2**40, _USERS, replace=False),
        first_hour=_appearing(random, _USERS, hours, before=0.6),
        activity=_zipf(random, _USERS, exponent=1.0, shift=30),
        taste=taste + random.normal(0, 0.15, taste.shape),
        eagerness=random.normal(0, 0.3, _USERS),
        budget=random.normal(0, 0.6, _USERS) + (age - 38) / 20,
        age=np.where(random.random(_USERS) < _NO_AGE, np.nan, age),
        pages=_seen(random, read, page_topic),
        device=random.dirichlet((3.0, 0.5, 1.5), _USERS),
    )


def _read(random: np.random.Generator, page_topic: Ints) -> Ints:
    """Returns the pages that made each user's taste, shape (users, pages of a user)."""
    cares = random.dirichlet(np.full(len(TOPICS), 0.15), _USERS)
    popular = _zipf(random, _PAGES, exponent=1.0, shift=3)
    heaps = np.cumsum(cares[:, page_topic] * popular, axis=1)
    draws = random.random((_USERS, _READ)) * heaps[:, -1:]
    read = np.empty(draws.shape, np.int64)
    for user, heap in enumerate(heaps):
        read[user] = np.searchsorted(heap, draws[user])
    return read


def _seen(random: np.random.Generator, read: Ints, page_topic: Ints) -> list[list[str]]:
    """Returns names of the pages that each user was seen to read; of some users of none."""
    names = [f"{TOPICS[topic]}-{page // len(TOPICS)}" for page, topic in enumerate(page_topic)]
    counts = random.integers(_READ - 3, _READ + 1, len(read))
    counts[random.random(len(read)) < _UNSEEN] = 0
    return [
        [names[page] for page in dict.fromkeys(pages[:count])]
        for pages, count in zip(read.tolist(), counts.tolist(), strict=True)
    ]


def _ads(random: np.random.Generator, hours: int, topics: Floats) -> Ads:
    size = _zipf(random, _ADVERTISERS, exponent=1.0, shift=3)
    advertiser = random.choice(_ADVERTISERS, _ADS, p=size / size.sum())
    of_advertiser = random.integers(len(TOPICS), size=_ADVERTISERS)[advertiser]
    any_topic = random.integers(len(TOPICS), size=_ADS)
    topic = np.where(random.random(_ADS) < _ALIKE, of_advertiser, any_topic)
    style = random.normal(0, 0.5, (_ADVERTISERS, _FACTORS))[advertiser]
    first = _appearing(random, _ADS, hours, before=0.3)
    return Ads(
        first_hour=first,
        last_hour=np.maximum(first, 0) + 24 + random.gamma(2.0, 6 * 24, _ADS),
        weight=_zipf(random, _ADS, exponent=0.9, shift=10),
        character=topics[topic] + style + random.normal(0, 0.5, style.shape),
        appeal=random.normal(0, 0.3, _ADS),
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


def _daily(random: np.random.Generator, topics: int) -> Floats:
    """Returns how each topic interests at each hour: a wave of a day with a peak of its own."""
    peak, height = random.uniform(0, 24, (topics, 1)), random.uniform(0.2, 0.8, (topics, 1))
    return height * np.cos((np.arange(24) - peak) * np.pi / 12)
