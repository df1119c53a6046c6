"""Master and child as the two halves of a Flower app.

A module of an installed package holds the two, and a run names them: nobody writes an app.

    server = server_app(play_master)
    client = client_app(play_child, farewell)
"""

from collections.abc import Callable
from logging import ERROR
from pathlib import Path

from flwr.app import Context, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.common.logger import log
from flwr.serverapp import Grid, ServerApp

from isthmus.core.errors import IsthmusError, SpecError
from isthmus.horizontal.flower.nodes import (
    OVER,
    PARTITION,
    STOPPED,
    Nodes,
    facts,
    known,
    packed,
    unpacked,
)
from isthmus.horizontal.flower.tickets import Desk, Ending, Settings
from isthmus.horizontal.flower.visits import Script, Visit, answers

PlayMaster = Callable[[Settings, Nodes], None]
"""Plays the master's role over lines to nodes, and stores what comes of it; where, say the settings
that were given to `launch`."""

PlayChild = Callable[[Settings, Visit], None]
"""Plays a child's role for one visit, from its beginning; the settings are those of its node."""

Farewell = Callable[[BaseException], str]
"""What the master may know of an error of ours."""


def server_app(play: PlayMaster) -> ServerApp:
    """The master's half.

    Args:
        play: Plays the role.

    Returns:
        What the app's `serverapp` names.
    """
    app = ServerApp()

    @app.main()
    def main(grid: Grid, context: Context) -> None:
        desk = _desk(context)
        ticket = desk.ticket()
        try:
            with Nodes(grid, tuple(ticket.children)) as nodes:
                play(ticket.master, nodes)
        except BaseException as error:
            desk.end(Ending(type(error).__name__, str(error)))
            raise
        desk.end(Ending())

    del main  # Flower has it
    return app


def _kind(error: BaseException) -> str:
    return f"it failed ({type(error).__name__})"


def client_app(play: PlayChild, farewell: Farewell = _kind) -> ClientApp:
    """A child's half.

    An error of ours is told to the master by `farewell`: left alone, Flower would send its text.

    Args:
        play: Plays the role.
        farewell: What the master may know of an error.

    Returns:
        What the app's `clientapp` names.
    """
    app = ClientApp()

    @app.train()
    def visit(message: Message, context: Context) -> Message:
        try:
            content = _visited(message, context, play)
        except Exception as error:  # noqa: BLE001 - of any kind: its text must not leave
            bug = None if isinstance(error, IsthmusError) else error
            log(ERROR, "isthmus: %s", error, exc_info=bug)  # in the SuperNode's own log
            content = facts(**{STOPPED: farewell(error)})
        return Message(content, reply_to=message)

    @app.query()
    def partition(message: Message, context: Context) -> Message:
        number = context.node_config.get(PARTITION)
        return Message(facts(**{PARTITION: int(number or 0)}), reply_to=message)

    @app.query(OVER)
    def over(message: Message, context: Context) -> Message:
        if marker := context.node_config.get(OVER):
            Path(str(marker)).touch()
        return Message(RecordDict(), reply_to=message)

    del visit, partition, over  # Flower has them
    return app


def _visited(message: Message, context: Context, play: PlayChild) -> RecordDict:
    script = Script(unpacked(message.content), known(message.content))
    settings = _settings(context)
    return packed(answers(script, lambda visit: play(settings, visit)))


def _settings(context: Context) -> Settings:
    # What the operator of this node said; only in a simulation, what the run's ticket says.
    if PARTITION not in context.node_config:
        return {name: str(value) for name, value in context.node_config.items()}
    children = list(_desk(context).ticket().children.values())
    number = int(context.node_config[PARTITION])
    if number >= len(children):
        raise SpecError(f"the simulation has more nodes than the job has children, {len(children)}")
    return children[number]


def _desk(context: Context) -> Desk:
    return Desk(str(context.run_config.get("ticket", "")))
