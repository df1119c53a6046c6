import numpy as np

from isthmus.horizontal.parameters import Layout, Parameters, digest, single

MODEL: Parameters = {
    "weight": np.arange(6, dtype=np.float32).reshape(3, 2),
    "scale": np.array(7, np.float32),
    "bias": np.array([8, 9], np.float32),
    "none": np.zeros((0, 4), np.float32),
}


class TestLayout:
    def test_orders_arrays_by_name_whatever_the_order_of_the_model(self) -> None:
        turned = dict(reversed(MODEL.items()))
        assert Layout.of(turned) == Layout.of(MODEL)
        assert Layout.of(MODEL).to_vector(turned).tolist() == [8, 9, 7, 0, 1, 2, 3, 4, 5]

    def test_cuts_a_vector_into_the_arrays_it_was_made_of(self) -> None:
        layout = Layout.of(MODEL)
        back = layout.to_parameters(layout.to_vector(MODEL))
        assert back.keys() == MODEL.keys()
        assert all((back[name] == MODEL[name]).all() for name in MODEL)
        assert {name: array.shape for name, array in back.items()} == dict(layout.shapes)

    def test_knows_its_size(self) -> None:
        assert Layout.of(MODEL).size == 9
        assert Layout.of({}).size == len(Layout.of({}).to_vector({})) == 0


class TestSingle:
    def test_copies_only_what_is_in_another_precision(self) -> None:
        already = np.ones(2, np.float32)
        assert single(already) is already
        assert single(np.ones(2)).dtype == np.float32


class TestDigest:
    def test_is_of_names_shapes_and_numbers_and_nothing_else(self) -> None:
        assert digest(dict(reversed(MODEL.items()))) == digest(MODEL)
        renamed = {name.upper(): array for name, array in MODEL.items()}
        flat = {name: array.ravel() for name, array in MODEL.items()}
        moved = {**MODEL, "scale": np.array(7.5, np.float32)}
        assert len({digest(each) for each in (MODEL, renamed, flat, moved)}) == 4
