# pyarrow has no types:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
"""Generated impressions, clicks and conversions with known probabilities: data of `examples/ads`.

A user clicks where what the user cares for meets what the ad is about: products of latent factors,
of which the columns show a part. Users and ads follow Zipf's law, new ones appear all the time, and
ads end. A conversion comes hours to days after its click.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from isthmus.core.arrays import Floats
from isthmus.core.errors import disk_full_is_error
from isthmus.core.seeds import generator
from isthmus.multitask.ads.world import (
    DEVICES,
    PLACEMENTS,
    TOPICS,
    USUAL_PRICE,
    Ads,
    Users,
    World,
    draw,
)

Ints = NDArray[np.int64]
Arrow = Any
"""A `pyarrow.Table`, which has no type."""

START = 1_767_225_600
"""Seconds since 1970 of the first impression's day: 1 January 2026."""

WINDOW_HOURS = 72.0
"""Every conversion comes within these hours of its click; the log is closed after them."""

_HOUR = 3600
_KNOWN = ("known_click", "known_conversion")
_BY_HOUR = 1.2 - np.cos((np.arange(24) - 4) * np.pi / 12)
"""Relative number of impressions at each hour of the day: least at four, most at sixteen."""

_PLACES = np.array([0.3, 0.2, 0.15, 0.1, 0.1, 0.07, 0.05, 0.03])
"""Share of each placement."""


@dataclass(frozen=True)
class _Part:
    """One file of impressions: as many rows in so many days, from a day on."""

    name: str
    rows: int
    day: int
    days: int


PARTS = (
    _Part("train", 500_000, 0, 14),
    _Part("test", 70_000, 14, 2),
    _Part("new", 2_000, 16, 1),
)
"""The files, one after the other in time; those of `new` have no labels."""


@dataclass(frozen=True)
class _Impressions:
    """Who saw which ad where, in the order of time, each of shape (rows,)."""

    time: Ints
    user: Ints
    """Position in `Users`."""

    ad: Ints
    """Position in `Ads`."""

    device: Ints
    placement: Ints

    @property
    def hour(self) -> Ints:
        """Hour of the day."""
        hour: Ints = self.time // _HOUR % 24
        return hour


def make(folder: Path, seed: int) -> None:
    """Write train.parquet, test.parquet, conversions.parquet and new.parquet.

    Args:
        folder: Where to; it exists.
        seed: The same seed makes the same files.

    Raises:
        DiskError: The disk is full.
    """
    days = max(part.day + part.days for part in PARTS)
    world = draw(generator(seed, "ads", "world"), days * 24)
    first = 0
    for part in PARTS:
        random = generator(seed, "ads", part.name)
        seen = _impressions(world, random, part)
        table, conversions = _tables(world, random, seen, first)
        if part.name == "train":
            _write(folder / "conversions.parquet", conversions.sort_by("time"))
        _write(folder / f"{part.name}.parquet", table.drop_columns(_UNKNOWN[part.name]))
        first += part.rows


_UNKNOWN: dict[str, list[str]] = {
    "train": ["conversion", *_KNOWN],
    "test": [],
    "new": ["click", "conversion", *_KNOWN],
}
"""Columns that a file does not have."""


def _write(path: Path, table: Arrow) -> None:
    with disk_full_is_error(path):
        parquet.write_table(table, path)


def _impressions(world: World, random: np.random.Generator, part: _Part) -> _Impressions:
    hours = part.days * 24
    counts = random.multinomial(
        part.rows, np.tile(_BY_HOUR, part.days) / (_BY_HOUR.sum() * part.days)
    )
    user, ad = np.empty(part.rows, np.int64), np.empty(part.rows, np.int64)
    end = np.cumsum(counts)
    for hour in range(hours):
        now, rows = part.day * 24 + hour, slice(end[hour] - counts[hour], end[hour])
        user[rows] = _chosen(random, world.users.activity * world.users.there(now), counts[hour])
        ad[rows] = _chosen(random, world.ads.weight * world.ads.shown(now), counts[hour])
    began = START + (part.day * 24 + np.repeat(np.arange(hours), counts)) * _HOUR
    devices = np.cumsum(world.users.device[user], axis=1)
    return _Impressions(
        time=np.sort(began + random.integers(_HOUR, size=part.rows)),
        user=user,
        ad=ad,
        device=(random.random((part.rows, 1)) > devices[:, :-1]).sum(axis=1),
        placement=random.choice(len(PLACEMENTS), part.rows, p=_PLACES),
    )


def _chosen(random: np.random.Generator, weights: Floats, count: int) -> NDArray[np.intp]:
    """Returns positions, each as probable as its weight says."""
    heap = np.cumsum(weights)
    chosen: NDArray[np.intp] = np.searchsorted(heap, random.random(count) * heap[-1], side="right")
    return chosen


def _tables(
    world: World, random: np.random.Generator, seen: _Impressions, first: int
) -> tuple[Arrow, Arrow]:
    """Draw clicks and conversions.

    Args:
        world: Users and ads.
        random: The generator.
        seen: The impressions.
        first: Number of the first of them.

    Returns:
        The impressions with all columns, and the conversions as they come.
    """
    users, ads = world.users, world.ads
    click_probability, conversion_probability = _chances(world, seen)
    clicked = random.random(len(seen.time)) < click_probability
    converted = clicked & (random.random(len(seen.time)) < conversion_probability)
    number = first + np.arange(len(seen.time))
    shown = {
        "impression": number,
        "time": seen.time,
        "user": users.id[seen.user],
        "ad": seen.ad,
        "advertiser": ads.advertiser[seen.ad],
        **_named(ads, users, seen),
        "price": ads.price[seen.ad],
        "click": clicked.astype(np.int8),
        "conversion": converted.astype(np.int8),
        "known_click": click_probability,
        "known_conversion": conversion_probability,
    }
    later = seen.time[converted] + _delay(random, ads.price[seen.ad[converted]])
    return pa.table(shown), pa.table({"impression": number[converted], "time": later})


def _named(ads: Ads, users: Users, seen: _Impressions) -> dict[str, object]:
    """Columns of text, and of what users say of themselves."""
    age = users.age[seen.user]
    return {
        "topic": pa.array(TOPICS).take(pa.array(ads.topic[seen.ad])),
        "placement": pa.array(PLACEMENTS).take(pa.array(seen.placement)),
        "device": pa.array(DEVICES).take(pa.array(seen.device)),
        "hour": seen.hour,
        "pages": pa.array(users.pages, pa.list_(pa.string())).take(pa.array(seen.user)),
        "age": pa.array(age, mask=np.isnan(age)),
    }


def _chances(world: World, seen: _Impressions) -> tuple[Floats, Floats]:
    """Returns the probability of a click, and that of a conversion after one."""
    users, ads, topic = world.users, world.ads, world.ads.topic[seen.ad]
    fit = np.einsum("rf,rf->r", users.taste[seen.user], ads.character[seen.ad])
    trust = world.trust[ads.advertiser[seen.ad]]
    click = (
        -2.4
        + 0.6 * fit
        + users.eagerness[seen.user]
        + ads.appeal[seen.ad]
        + 0.5 * trust
        + world.topic_by_hour[topic, seen.hour]
        + world.topic_by_place[topic, seen.placement]
        + world.place_by_device[seen.placement, seen.device]
    )
    dear = np.log(ads.price[seen.ad]) - USUAL_PRICE - users.budget[seen.user]
    conversion = (
        -1.4
        + 0.25 * fit
        + trust
        + 0.5 * ads.appeal[seen.ad]
        - 0.6 * np.abs(dear)
        + world.buys_on[seen.device]
    )
    return 1 / (1 + np.exp(-click)), 1 / (1 + np.exp(-conversion))


def _delay(random: np.random.Generator, price: Floats) -> Ints:
    """Returns seconds between a click and its conversion: longer for what is dear."""
    mean = np.clip(10.0 * np.sqrt(price / np.exp(USUAL_PRICE)), 1.0, 60.0)
    within = 1 - np.exp(-WINDOW_HOURS / mean)
    hours = -mean * np.log(1 - random.random(len(price)) * within)
    seconds: Ints = (hours * _HOUR).astype(np.int64)
    return seconds
