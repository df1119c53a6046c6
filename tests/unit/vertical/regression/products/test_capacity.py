"""Room in messages, engines and estimates of each scheme."""

import pytest

from isthmus.core.errors import SpecError
from isthmus.crypto.encryption import RegressionEncryption
from isthmus.ledger.forecast import Flow
from isthmus.transport.message import encode
from isthmus.vertical.regression.products import capacity
from isthmus.vertical.regression.products.forecast import Products, flows, key_flow

BFV = RegressionEncryption("bfv")
OKAMOTO_UCHIYAMA = RegressionEncryption("okamoto-uchiyama", 2048)  # and 1024 by the environment
PAILLIER = RegressionEncryption("paillier", 2048)
each_scheme = pytest.mark.parametrize(
    "encryption", [BFV, OKAMOTO_UCHIYAMA, PAILLIER], ids=lambda it: it.scheme
)
LARGEST_BLOCK = 32_768


def fits(flow: Flow) -> bool:
    return len(encode(flow.sample)) <= type(flow.sample).max_bytes


class TestCheck:
    @each_scheme
    @pytest.mark.parametrize("kind", ["exact", "modular"])
    def test_refuses_more_sums_than_fit_in_messages(
        self, encryption: RegressionEncryption, kind: str
    ) -> None:
        with pytest.raises(
            SpecError, match=r"has room for [\d,]+ sums, and this job has 9,000,000"
        ):
            capacity.check(encryption, 9_000_000)
        most = 4_000 if encryption is BFV else 100_000
        capacity.check(encryption, most)
        size = Products("active", "passive", LARGEST_BLOCK, most, 1, modular=kind == "modular")
        sent = [*key_flow(encryption, "active"), *flows(encryption, LARGEST_BLOCK, size)]
        assert all(map(fits, sent))

    def test_refuses_keys_that_can_be_broken(self) -> None:
        with pytest.raises(SpecError, match="can be broken"):
            capacity.check(RegressionEncryption("paillier", 2049), 1)


class TestRunning:
    def test_names_what_computes(self) -> None:
        assert capacity.running(BFV, "gmpy2") == "seal"
        assert capacity.running(PAILLIER, "auto") == "gmpy2"

    def test_refuses_an_engine_that_cannot_run(self) -> None:
        with pytest.raises(SpecError, match="cannot run here"):
            capacity.running(PAILLIER, "kernel")


class TestKeptBytes:
    def test_are_those_of_transformed_columns_up_to_a_bound_and_of_workers_with_their_rows(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("os.cpu_count", lambda: 8)
        assert capacity.kept_bytes(BFV, rows=4096, columns=10) == 10 * 2 * 4096 * 8
        at_workers = 10**7 * 20 * 2 + 8 * 90 * 10**6
        assert capacity.kept_bytes(BFV, 10**7, 20) == capacity.CACHE_BYTES + at_workers
        assert capacity.kept_bytes(PAILLIER, rows=10**7, columns=20) == 0


class TestWorthwhile:
    @pytest.mark.parametrize(
        ("encryption", "rows", "columns", "workers"),
        [
            (BFV, 100_000, 30, 1),
            (BFV, 1_000_000, 30, 8),
            (PAILLIER, 5_000, 30, 1),
            (PAILLIER, 24_000, 1, 8),
        ],
    )
    def test_starts_a_worker_per_core_where_there_is_much_to_compute(
        self,
        monkeypatch: pytest.MonkeyPatch,
        encryption: RegressionEncryption,
        rows: int,
        columns: int,
        workers: int,
    ) -> None:
        monkeypatch.setattr("os.cpu_count", lambda: 8)
        assert capacity.worthwhile(encryption, "auto", rows, columns) == workers


class TestSeconds:
    @each_scheme
    def test_are_more_for_more_rows_and_columns(self, encryption: RegressionEncryption) -> None:
        few = capacity.seconds(encryption, "auto", rows=4096, columns=1, feature_bits=14)
        many = capacity.seconds(encryption, "auto", rows=4_096_000, columns=64, feature_bits=14)
        assert 0 < 10 * few < many  # thousands of times; machines differ from moment to moment
