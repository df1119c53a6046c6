"""The keys of a window, each once."""

import numpy as np

from isthmus.paramserver.tables.kernels.compiling import compiled
from isthmus.paramserver.tables.kernels.hashing import hash_key
from isthmus.paramserver.window import Int32s, Int64s, Keys, UInt16s


def unique(keys: Keys, features: int, samples: Int64s | None = None) -> tuple[Keys, Int32s, Int32s]:
    """Find the distinct keys.

    Args:
        keys: Keys in the order of their use.
        features: Number of features. Their DEFAULT keys come first, used or not.
        samples: The sample that uses each key, rising within each feature. None: each key of
            `keys` is of another sample.

    Returns:
        The DEFAULT keys, then the others in the order of their first use; where each of `keys` is
        among them, shape (keys,); and how many samples use each, 0 for DEFAULT keys.
    """
    most = len(keys) + features
    distinct = Keys(np.empty(most, np.uint16), np.empty(most, np.int64))
    inverse = np.empty(len(keys), np.int32)
    occurrences = np.zeros(most, np.int32)
    found = _unique(
        (keys.feature, keys.id),
        np.empty(0, np.int64) if samples is None else samples,
        features,
        (distinct.feature, distinct.id),
        inverse,
        occurrences,
    )
    return distinct.take(np.arange(found)), inverse, occurrences[:found].copy()


@compiled
def _bits(places: int) -> int:
    bits = 4
    while (1 << bits) < places:
        bits += 1
    return bits


@compiled
def _unique(
    keys: tuple[UInt16s, Int64s],
    samples: Int64s,
    features: int,
    distinct: tuple[UInt16s, Int64s],
    inverse: Int32s,
    occurrences: Int32s,
) -> int:
    seen_features, seen_ids = distinct
    for feature in range(features):
        seen_features[feature] = feature
        seen_ids[feature] = -1
    found = features
    bits = _bits(2 * len(inverse))
    places = np.full(1 << bits, np.int32(-1))
    mask = np.uint64((1 << bits) - 1)
    counted = np.full(len(samples) and len(seen_ids), np.int64(-1))
    for use in range(len(inverse)):
        feature = keys[0][use]
        identity = keys[1][use]
        if identity == -1:
            inverse[use] = feature
            continue
        place = hash_key(feature, identity) & mask
        while places[place] >= 0 and not (
            seen_ids[places[place]] == identity and seen_features[places[place]] == feature
        ):
            place = (place + np.uint64(1)) & mask
        if places[place] < 0:
            places[place] = found
            seen_features[found] = feature
            seen_ids[found] = identity
            found += 1
        key = places[place]
        inverse[use] = key
        if len(samples) == 0:
            occurrences[key] += 1
        elif counted[key] != samples[use]:
            counted[key] = samples[use]
            occurrences[key] += 1
    return found
