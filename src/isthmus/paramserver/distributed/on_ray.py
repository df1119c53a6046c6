"""Shards and workers as actors of Ray: the engine `ray`.

What we give Ray are arrays, numbers and text.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from isthmus.core.errors import DiskError, IsthmusError, SpecError
from isthmus.paramserver.distributed.actor_engine import ActorEngine
from isthmus.paramserver.distributed.actors import Recipe, ShardActor, WorkerActor
from isthmus.paramserver.distributed.ray_session import joined, started
from isthmus.paramserver.distributed.remote import (
    Actor,
    Answer,
    Call,
    DiedError,
    GoneError,
    Reference,
)
from isthmus.paramserver.distributed.warming import compile_kernels
from isthmus.paramserver.engine import Plan
from isthmus.paramserver.spec import Server

_BESIDE = "beside"


class Engine(ActorEngine):
    """Shards and workers of Ray; see `engine.Engine` for what each method does."""

    def __init__(self, plan: Plan, recipe: Recipe, folder: Path) -> None:
        """Start Ray, or join the cluster of the job, and make all processes.

        Args:
            plan: Of the run.
            recipe: Of the trainers.
            folder: The folder of the job file.

        Raises:
            SpecError: Ray is not installed, does not start, would listen to other machines, or the
                cluster of the job does not take us.
            IsthmusError: A shard or a trainer cannot be made.
        """
        server = plan.server
        compile_kernels(plan)
        with ExitStack() as stack:
            session = stack.enter_context(
                joined(server.cluster, folder) if server.cluster else started()
            )
            super().__init__(plan, recipe, _RemoteOfRay(session.ray, server))
            stack.callback(super().close)
            session.check()
            self._stack = stack.pop_all()

    def close(self) -> None:
        """End all processes, and Ray if it was started for them."""
        self._stack.close()


class _RemoteOfRay:
    """Makes actors of Ray."""

    def __init__(self, ray: Any, server: Server) -> None:
        self._ray = ray
        self._spread = server.cluster is not None
        self._gpus = 1 if self._spread and server.device == "cuda" else 0

    def shard(self, plan: bytes, number: int) -> Actor:
        """Returns a shard that is not ready yet."""
        return self._made(ShardActor, 0, plan, number)

    def worker(self, plan: bytes, recipe: Recipe) -> Actor:
        """Returns a worker that is not ready yet."""
        return self._made(
            WorkerActor, self._gpus, plan, recipe.maker, str(recipe.path.absolute()), recipe.batch
        )

    def get(self, reference: Reference) -> Any:
        """Fetch something to this process."""
        return _fetched(self._ray, reference)

    def _made(self, kind: type[Any], gpus: int, *arguments: Any) -> Actor:
        made = self._ray.remote(
            num_cpus=0,
            num_gpus=gpus,
            max_restarts=0,  # made anew by `ActorEngine`, which knows what they have done
            max_task_retries=0,
            concurrency_groups={_BESIDE: 2},
            scheduling_strategy="SPREAD" if self._spread else "DEFAULT",
        )(kind)
        return _ActorOfRay(self._ray, made.remote(*arguments))


class _ActorOfRay:
    """An actor of Ray."""

    def __init__(self, ray: Any, handle: Any) -> None:
        self._ray = ray
        self._handle = handle

    def call(self, call: Call) -> Answer:
        """Call a method, and wait until it has returned."""
        options: dict[str, Any] = {"num_returns": call.returns}
        if call.beside:
            options["concurrency_group"] = _BESIDE
        given = getattr(self._handle, call.method).options(**options).remote(*call.arguments)
        references = [given] if call.returns == 1 else given
        return Answer(references[:-1], _fetched(self._ray, references[-1], call.patience))

    def end(self) -> None:
        """End the process at once."""
        self._ray.kill(self._handle)


def _fetched(ray: Any, reference: Reference, patience: float | None = None) -> Any:
    errors = ray.exceptions
    try:
        return ray.get(reference, timeout=patience)
    except errors.GetTimeoutError:
        raise SpecError(
            f"Ray has started no process for a shard or worker in {patience:.0f} s. Has it "
            "room for one more, and for a worker with device = 'cuda' a GPU that is free?"
        ) from None
    except errors.RayTaskError as error:
        if isinstance(error.cause, IsthmusError):
            raise error.cause from None
        raise
    except errors.RayActorError:
        raise DiedError from None
    except errors.ObjectLostError:
        raise GoneError from None
    except (errors.ObjectStoreFullError, errors.OutOfDiskError):
        raise DiskError(
            "No space left for what passes between the processes of Ray. Make room in its folder "
            "for temporary files, and start the same command again: it goes on from the last "
            "snapshot."
        ) from None
