"""Models to compare with."""

import numpy as np
import pytest

from isthmus.core.arrays import Floats
from isthmus.multitask.compare import boosted
from isthmus.multitask.compare.comparisons import Linear, known, known_columns
from isthmus.multitask.compare.measuring import measured
from isthmus.multitask.feed.reading import FinalBlock
from isthmus.multitask.samples import Lists, Samples, concatenate, take
from isthmus.multitask.spec import Amount, Hashed, Identifier, Multitask, Task

SPEC = Multitask(
    features={
        "user": Identifier(),
        "topic": Hashed(),
        "pages": Hashed(many="mean"),
        "price": Amount(),
    },
    tasks={
        "ctr": Task(label="click", known="truth"),
        "cvr": Task(label="conversion", given="ctr"),
    },
)
NONE = np.nan


def made(rows: int, seed: int = 1) -> tuple[Samples, Floats]:
    """Samples, and the probability of a click: of user, pages and price by themselves."""
    random = np.random.default_rng(seed)
    ids = random.integers(0, 20, (rows, 2))
    lengths = random.integers(0, 4, rows).astype(np.int32)
    pages = random.integers(0, 10, lengths.sum())
    effect = np.random.default_rng(7).normal(size=(2, 20))
    price = random.normal(size=rows)
    shares = np.bincount(
        np.repeat(np.arange(rows), lengths),
        weights=effect[1, pages] / np.repeat(lengths, lengths),
        minlength=rows,
    )
    chance = 1 / (1 + np.exp(-(effect[0, ids[:, 0]] + shares + price)))
    clicked = random.random(rows) < chance
    bought = np.where(clicked, random.random(rows) < chance, NONE)
    labels = np.stack([clicked, bought], axis=1).astype(np.float32)
    samples = Samples(
        ids=ids,
        lists=(Lists(pages, lengths),),
        numbers=price[:, None].astype(np.float32),
        labels=labels,
        weights=np.ones_like(labels),
        position=np.arange(rows),
    )
    return samples, chance


class TestKnown:
    def test_is_a_column_for_each_task_that_has_one(self) -> None:
        samples, chance = made(5)
        found = known(SPEC, FinalBlock(samples, {"truth": chance}))
        assert known_columns(SPEC) == ("truth",)
        assert found is not None
        assert (found[:, 0] == chance).all()
        assert np.isnan(found[:, 1]).all()

    def test_is_none_for_data_of_which_nobody_knows_the_truth(self) -> None:
        samples, _ = made(5)
        plain = Multitask(features=SPEC.features, tasks={"ctr": Task(label="click")})
        assert known(plain, FinalBlock(samples, {})) is None


class TestLinear:
    def test_predicts_the_same_for_all_before_it_has_learned(self) -> None:
        samples, _ = made(10)
        assert (Linear(SPEC, 1).predict(samples) == 0.5).all()

    def test_comes_near_the_truth_where_that_is_linear(self) -> None:
        train, _ = made(30_000)
        test, chance = made(5_000, seed=2)
        model = Linear(SPEC, 1)
        for first in range(0, len(train), 4_096):
            model.learn(take(train, np.arange(first, min(first + 4_096, len(train)))))
        scores = model.predict(test)
        ideal = np.stack([chance, chance], axis=1)
        auc = measured(SPEC, test.labels, {"linear": scores, "ideal": ideal})
        for task in ("ctr", "cvr"):
            found = auc[f"auc_{task}"]
            assert found["linear"] is not None
            assert found["ideal"] is not None
            assert found["linear"] > found["ideal"] - 0.02
        assert abs(scores[:, 0] - chance).mean() < 0.06

    def test_equals_plain_ftrl(self) -> None:
        samples, _ = made(128)
        model = Linear(SPEC, 1)
        model.learn(samples)
        expected = plain_ftrl(samples)
        assert model.predict(samples)[:, 0] == pytest.approx(expected, abs=1e-5)


class TestBoosted:
    def test_ranks_about_as_well_as_the_truth(self) -> None:
        train, _ = made(8_000)
        test, chance = made(3_000, seed=2)
        scores = boosted.predict(SPEC, train, test, 1)
        assert scores is not None
        auc = measured(SPEC, test.labels, {"boosted": scores, "ideal": np.stack([chance] * 2, 1)})
        found = auc["auc_ctr"]
        assert found["boosted"] is not None
        assert found["ideal"] is not None
        assert found["boosted"] > found["ideal"] - 0.06

    def test_predicts_the_same_again(self) -> None:
        train, _ = made(1_000)
        first, again = (boosted.predict(SPEC, train, train, 1) for _ in range(2))
        assert first is not None
        assert again is not None
        assert (first == again).all()

    def test_does_not_know_a_task_with_one_label_only(self) -> None:
        train, _ = made(300)
        train.labels[:, 1] = 0
        scores = boosted.predict(SPEC, train, train, 1)
        assert scores is not None
        assert np.isnan(scores[:, 1]).all()
        assert np.isfinite(scores[:, 0]).all()

    def test_is_none_without_xgboost(self, monkeypatch: pytest.MonkeyPatch) -> None:
        train, _ = made(300)
        monkeypatch.setattr(boosted, "is_installed", lambda: False)
        assert boosted.predict(SPEC, train, train, 1) is None


class TestNewest:
    @pytest.mark.parametrize("most", [1, 7, 10, 25, 100])
    def test_are_the_last_samples_of_the_stream(self, most: int) -> None:
        samples, _ = made(50)
        blocks = [take(samples, np.arange(first, first + 10)) for first in range(0, 50, 10)]
        found = boosted.newest(blocks, most)
        assert found is not None
        assert found.position.tolist() == list(range(50))[-most:]

    def test_are_none_of_an_empty_stream(self) -> None:
        assert boosted.newest([], 5) is None

    def test_of_all_are_all(self) -> None:
        samples, _ = made(20)
        found = boosted.newest([samples, samples], 40)
        assert found is not None
        assert (found.labels[:, 0] == concatenate([samples, samples]).labels[:, 0]).all()


def plain_ftrl(samples: Samples) -> Floats:
    """Probabilities after one batch: McMahan et al. 2013, algorithm 1, by a dictionary."""
    rate, beta, l2 = 0.1, 1.0, 1e-3
    used = list[list[tuple[object, float]]]()
    (lists,) = samples.lists
    cells = np.split(lists.ids, np.cumsum(lists.lengths)[:-1])
    for row, cell in enumerate(cells):
        pairs: list[tuple[object, float]] = [("constant", 1.0)]
        pairs += [(("id", place, value), 1.0) for place, value in enumerate(samples.ids[row])]
        pairs += [(("page", page), 1 / len(cell)) for page in cell]
        pairs += [("price", float(samples.numbers[row, 0]))]
        used.append(pairs)
    gradient = dict[object, float]()
    for pairs, label in zip(used, samples.labels[:, 0], strict=True):
        for key, value in pairs:
            gradient[key] = gradient.get(key, 0.0) + (0.5 - float(label)) * value
    weight = {key: -each / ((beta + abs(each)) / rate + l2) for key, each in gradient.items()}
    scores = [sum(weight[key] * value for key, value in pairs) for pairs in used]
    chances: Floats = 1 / (1 + np.exp(-np.array(scores)))
    return chances
