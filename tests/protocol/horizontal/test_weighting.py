"""The job of the example in one process: branches read digits, some of them send the opposite."""

from pathlib import Path
from typing import cast

from msgspec.structs import replace

from isthmus.core.telemetry import Telemetry
from isthmus.horizontal.encoders import head, model
from isthmus.horizontal.rounds import in_process
from isthmus.horizontal.rounds.local_training import LocalTrainer
from isthmus.horizontal.weighting import system
from isthmus.horizontal.weighting.spec import Weighting, as_encoders
from isthmus.jobs import simulate
from isthmus.jobs.rounds.plan import RoundsPlan
from isthmus.nn import threads
from isthmus.nn.spec import type_of

JOB = Path(__file__).parents[3] / "examples" / "fusion" / "job.toml"

MASTER = "office"
TURNED = ("branch-02", "branch-05")
HONEST = ("branch-01", "branch-06", "branch-08", "branch-10")


class TestActorCritic:
    def test_does_almost_as_well_as_one_who_knows_the_bad_children(self) -> None:
        threads.use(1)  # as each of the parties has it
        loaded, plans = simulate.planned(JOB)
        parties = {
            party: cast(RoundsPlan, plans[party]).local for party in (MASTER, *HONEST, *TURNED)
        }
        master = parties[MASTER]
        spec = cast(Weighting, loaded.spec)
        spec = replace(spec, rounds=replace(spec.rounds, count=12))

        # 1. Train as the parties would.
        encoder = type_of(spec.network)
        trainers = {
            child: system.follow(spec, parties[child])(encoder) for child in (*HONEST, *TURNED)
        }
        willing = {child: it for child, it in trainers.items() if isinstance(it, LocalTrainer)}
        assert willing.keys() == trainers.keys()
        state = in_process.federate(system.lead(spec, master), willing, 12, Telemetry())

        # 2. Compare with those who take all children for honest, and who know which are not.
        assert master.test is not None
        found = head.with_shared_head(as_encoders(spec), state.parameters, master.train)
        reached = {"shared_head": model.accuracy(found, master.test)}
        compared = system.compare(spec, parties, {MASTER: {"accuracy": reached}})
        accuracy = compared.metrics["accuracy"]
        assert accuracy["actor_critic"] > accuracy["oracle"] - 0.03
        assert accuracy["actor_critic"] > accuracy["fedavg"] + 0.02
        assert set(TURNED) <= system.suspects(spec, state.rounds).keys()
