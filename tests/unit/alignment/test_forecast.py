"""The forecast of an alignment takes no more memory for more rows."""

from isthmus.alignment.cryptographic.diffie_hellman.messages import BlindedRows
from isthmus.alignment.cryptographic.forecast import forecast
from isthmus.alignment.cryptographic.messages import ComparedRows
from isthmus.alignment.cryptographic.spec import CryptographicAlignment
from isthmus.ledger.forecast import Sizes


class TestForecast:
    def test_of_a_billion_rows_is_a_few_flows_of_blocks_that_are_alike(self) -> None:
        rows = {"active": 10**9, "passive": 9 * 10**8}
        sizes = Sizes(rows=rows, shared=10**8, train=10**8, test=0, test_rows={}, rounds=1)
        flows = forecast(CryptographicAlignment(), sizes)
        assert len(flows) < 30
        counts = {
            kind: sum(flow.count for flow in flows if isinstance(flow.sample, kind))
            for kind in (BlindedRows, ComparedRows)
        }
        blocks = -(-(10**9) // CryptographicAlignment().batch_rows)
        assert counts == {BlindedRows: 2 * blocks, ComparedRows: blocks}
