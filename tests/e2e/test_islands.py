"""Islands of texts as users run them: the example, from the joint vocabulary to the comparison."""

from pathlib import Path
from typing import Any

import pytest

from isthmus.text.model_folder import read_static
from tests.commands import isthmus
from tests.e2e.trial import Trial

pytestmark = [pytest.mark.slow, pytest.mark.long]

ISLANDS = ("lyon", "omsk", "wuhan")
PARTIES = ("hub", *ISLANDS)


class Words(Trial):
    """The hub and its islands, each started by hand as on a machine of its own."""

    def __init__(self, folder: Path, rounds: int) -> None:
        super().__init__(folder, "multilingual", PARTIES, "islands.toml")
        self.edit(self.job, "count = 10", f"count = {rounds}")
        self.edit(self.job, "steps = 15", "steps = 5")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("islands") / "words"
    isthmus("init", "multilingual", folder)
    job = folder / "islands.toml"
    job.write_text(job.read_text().replace("count = 10", "count = 4"))
    return isthmus("simulate", job, "--runs", folder / "runs")


class TestSimulate:
    def test_finds_translations_between_languages_that_no_island_has_together(
        self, simulated: dict[str, Any]
    ) -> None:
        found = simulated["metrics"]["retrieval"]
        assert found.keys() == {"shared", "alone", "fedavg", "pooled", "dictionary_tfidf"}
        assert found["shared"] > 2 * found["alone"]
        assert found["shared"] > 0.8 * found["pooled"]

    def test_tells_the_vocabulary_the_traffic_and_the_rounds(
        self, simulated: dict[str, Any]
    ) -> None:
        assert simulated["vocabulary"]["named_words"] > 0
        assert 512 < simulated["vocabulary"]["size"] <= 8192
        assert simulated["traffic"]["bytes"] == sum(
            it["bytes"] for it in simulated["egress"].values()
        )
        assert simulated["rounds"] == 4

    def test_leaves_a_model_that_embeds_texts_at_every_party(
        self, simulated: dict[str, Any]
    ) -> None:
        folders = [Path(simulated["run"]) / it / "network" for it in ("hub", *ISLANDS)]
        models = [read_static(it) for it in folders]
        assert len({it.table.numpy().tobytes() for it in models}) == 1
        assert models[0].tokenizer.size == simulated["vocabulary"]["size"]
        assert models[0].embed(["Ouvrir le fichier"]).shape == (1, 256)

    def test_sends_what_was_explained(self, simulated: dict[str, Any]) -> None:
        job = Path(simulated["run"]).parents[1] / "islands.toml"
        run = Path(simulated["run"]) / "lyon"
        party = job.parent / "lyon" / "party.toml"
        flows = isthmus("explain", job, "--party", party, "--run", run)["flows"]
        assert {flow["message"] for flow in flows} == {
            row["message"] for row in isthmus("ledger", "show", run)["ledgers"]["lyon"]
        }


class TestRun:
    def test_of_every_party_by_itself_leaves_the_model_of_the_simulation(
        self, tmp_path: Path, free_port: int
    ) -> None:
        with Words(tmp_path / "words", rounds=2) as words:
            alike = isthmus("simulate", words.job, "--runs", tmp_path / "runs")
            words.use_port(free_port)
            answers = words.play("run")
        assert {it["model"] for it in answers.values()} == {alike["model"]}
        assert answers["hub"]["holders"] == list(ISLANDS)
        found = answers["hub"]["metrics"]["retrieval"]["shared"]
        assert found == alike["metrics"]["retrieval"]["shared"]

    def test_without_masks_on_updates_sends_the_rows_that_an_island_touched_in_few_bytes(
        self, tmp_path: Path
    ) -> None:
        words = Words(tmp_path / "words", rounds=2)
        table = words.job.read_text()
        before, _, _ = table.partition("[encoders.privacy.secure_aggregation]")
        words.job.write_text(f'{before}[encoders.privacy.compression]\nmethod = "eight_bit"\n')
        words.edit(words.job, '"RoundStart",', '"CoarseUpdate", "RoundStart",')
        found = isthmus("simulate", words.job, "--runs", tmp_path / "runs")
        whole = 4 * found["vocabulary"]["size"] * 257
        rows = isthmus("ledger", "show", Path(found["run"]) / "lyon")["ledgers"]["lyon"]
        (updates,) = [it for it in rows if it["message"] == "CoarseUpdate"]
        assert updates["bytes"] / updates["count"] < 0.3 * whole
