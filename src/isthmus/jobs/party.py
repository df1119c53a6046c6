"""The party file: it stays at one party, and nothing in it is ever sent."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta
from msgspec.structs import replace

from isthmus.alignment.cryptographic.spec import Protocol
from isthmus.core.spec import Spec
from isthmus.crypto.encryption import Engine
from isthmus.data.spec import Dataset
from isthmus.horizontal.spec import SimulatedAttack
from isthmus.jobs.job import Name
from isthmus.ledger.policy import Policy
from isthmus.paramserver.spec import Cluster
from isthmus.tee.policy import EnclavePolicy
from isthmus.tee.spec import Enclave

Seconds = Annotated[float, Meta(gt=0, le=1e9)]  # no clock can wait longer than some 292 years
PARTY_FILE = "party.toml"  # its name in the folder of a party
THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "[::1]"})  # hosts of an address


class PartyPolicy(Policy, frozen=True):
    """The `[policy]` table of a party file."""

    alignments: Annotated[
        int,
        Meta(
            ge=0,
            description="most alignments of one data file with one peer, over all runs: each tells "
            "again who is shared, and a peer that changes its ids learns more every time",
        ),
    ] = 20
    label_exposure: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        Meta(
            description="most equations about labels, per row of the rarer label (of a number: not "
            "the commonest one), that all trainings together tell one peer; unset: "
            "`regression.label_exposure` of the job; inf: no limit"
        ),
    ] = None
    nodes: Annotated[
        Annotated[float, Meta(ge=0)] | None,
        Meta(
            description="most nodes of trees that all trainings together tell one peer; unset: no "
            "limit"
        ),
    ] = None
    slopes: Annotated[
        float,
        Meta(
            ge=0,
            description="most combinations of this party's columns that all regressions together "
            "tell one peer: a training counts `max_rounds`; inf: no limit",
        ),
    ] = 1_000.0
    minimum_column_rows: Annotated[
        int,
        Meta(
            ge=1,
            description="fewest rows whose value in a column of a regression is another one than "
            "the commonest: a gradient tells about these rows alone",
        ),
    ] = 20
    minimum_difference: Annotated[
        int,
        Meta(
            ge=0,
            description="fewest rows by which the rows of two trainings with one peer differ, if "
            "they differ at all: what such a pair tells apart is about these rows alone",
        ),
    ] = 20
    alignment_protocols: Annotated[
        tuple[Protocol, ...],
        Meta(
            description="cryptographic protocols that this party aligns by; "
            '["diffie-hellman"] insists on that one'
        ),
    ] = ("diffie-hellman", "oblivious")
    enclaves: EnclavePolicy = EnclavePolicy()


class Identity(Spec, frozen=True):
    """The files that prove who this party is."""

    certificate: Annotated[str, Meta(description="PEM file of this party's certificate")]
    private_key: Annotated[str, Meta(description="PEM file of its private key, mode 0600")]


class Peer(Spec, frozen=True):
    """What this party knows about another one."""

    certificate: Annotated[
        str, Meta(description="PEM file of the one certificate that this peer must present")
    ]
    address: Annotated[
        str | None, Meta(description="host:port where it listens, if it is the one that listens")
    ] = None


class Flower(Spec, frozen=True):
    """The `[flower]` table of a party file: where it meets the others on a Flower federation."""

    connection: Annotated[
        str | None,
        Meta(
            description="the master's SuperLink connection, by its name in Flower's configuration"
        ),
    ] = None
    superlink: Annotated[
        str | None,
        Meta(description="host:port where the SuperLink lets SuperNodes in, for a child"),
    ] = None
    root_certificates: Annotated[
        str | None, Meta(description="PEM file of the authority of the SuperLink, for a child")
    ] = None
    private_key: Annotated[
        str | None,
        Meta(
            description="OpenSSH file of a child's key, mode 0600, whose public half is registered "
            "at the SuperLink under the name of the party"
        ),
    ] = None


class Compute(Spec, frozen=True):
    """The `[compute]` table of a party file: how this party computes, which changes no result."""

    engine: Annotated[
        Engine,
        Meta(
            description="what computes on encrypted numbers, where the scheme is okamoto-uchiyama "
            "or paillier. kernel: our own, for processors with AVX-512 IFMA; gmpy2: runs "
            "everywhere; auto: the faster one that runs here"
        ),
    ] = "auto"
    workers: Annotated[
        Annotated[int, Meta(ge=1, le=1024)] | None,
        Meta(
            description="processes of this party that compute on ciphertexts, each on rows of its "
            "own; unset: one, or one per core where there is much to compute. Threads that train a "
            "network, for jobs in rounds; unset: one"
        ),
    ] = None
    cluster: Annotated[
        Cluster | None,
        Meta(
            description="a Ray of this party, where the workers of a regression run; unset: on "
            "this machine. Its `token` is relative to this file"
        ),
    ] = None


class Party(Spec, frozen=True):
    """A party file: identity, peers, data and policy of one party."""

    party: Annotated[Name, Meta(description="name of this party, as in the job")]
    listen: Annotated[
        str | None, Meta(description="host:port to listen on; the active party needs it")
    ] = None
    engine: Annotated[
        Literal["grpc", "flower"],
        Meta(description="what carries a job in rounds: lines of our own, or a Flower federation"),
    ] = "grpc"
    flower: Flower = Flower()
    identity: Identity | None = None
    peers: Annotated[dict[Name, Peer], Meta(description="the other parties, by name")] = {}
    datasets: Annotated[
        dict[Name, Dataset], Meta(description="where each data set of a job lies here, by name")
    ] = {}
    policy: PartyPolicy = PartyPolicy()
    enclave: Enclave = Enclave()
    runs: Annotated[str, Meta(description="folder for what runs leave behind")] = "runs"
    models: Annotated[
        tuple[str, ...],
        Meta(
            description="further run folders, or folders of runs, in which models to score with "
            "are looked for, besides `runs`"
        ),
    ] = ()
    predictions_csv: Annotated[
        bool, Meta(description="write predictions.csv beside predictions.parquet")
    ] = False
    wait: Annotated[Seconds, Meta(description="seconds to wait for the peers to appear")] = 300.0
    compute: Compute = Compute()
    helps_only: Annotated[
        bool, Meta(description="train encoders with others without asking for one, as a child")
    ] = False
    simulated_attack: Annotated[
        SimulatedAttack | None,
        Meta(
            description="misbehave as a child, to see what a fusion rule makes of it; only with a "
            "master on this machine, as `isthmus simulate` has it"
        ),
    ] = None
    patience: Annotated[
        Seconds,
        Meta(
            description="seconds to wait for the next message of a living peer, and for a peer "
            "that is missing to come back"
        ),
    ] = 600.0

    def anchored(self, folder: Path) -> "Party":
        """Name the files of a party so that they are found from anywhere.

        Args:
            folder: The folder that its paths are seen from: that of the party file.

        Returns:
            A copy with whole paths.
        """

        def whole(path: str) -> str:
            return str((folder / path).resolve())

        def whole_if_any(path: str | None) -> str | None:
            return None if path is None else whole(path)

        ours, flower, enclave = self.identity, self.flower, self.enclave
        return replace(
            self,
            runs=whole(self.runs),
            models=tuple(whole(path) for path in self.models),
            identity=ours
            and Identity(certificate=whole(ours.certificate), private_key=whole(ours.private_key)),
            peers={
                name: replace(peer, certificate=whole(peer.certificate))
                for name, peer in self.peers.items()
            },
            datasets={name: data.anchored(folder) for name, data in self.datasets.items()},
            flower=replace(
                flower,
                root_certificates=whole_if_any(flower.root_certificates),
                private_key=whole_if_any(flower.private_key),
            ),
            enclave=replace(enclave, endorsements=whole_if_any(enclave.endorsements)),
        )
