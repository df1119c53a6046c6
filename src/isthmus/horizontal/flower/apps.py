"""Master and child as the two halves of a Flower app.

A module of an installed package holds the two, and a run names them: nobody writes an app.

    server = server_app(play_master)
    client = client_app(play_child, error_text)
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
    Nodes,
    facts,
    farewell,
    known,
    packed,
    unpacked,
)
from isthmus.horizontal.flower.replay import History, Replay, replies
from isthmus.horizontal.flower.run_files import Ending, RunFilesStore, Settings
from isthmus.transport.framing import Goodbye

PlayMaster = Callable[[Settings, Nodes], None]
"""Plays the master's role over lines to nodes, and stores the result where the settings that
`launch` was given say."""

PlayChild = Callable[[Settings, Replay], None]
"""Replays a child's role for one request; the settings are those of its node."""

ErrorText = Callable[[BaseException], Goodbye]
"""Returns what the master is told of an error of ours."""


def server_app(play: PlayMaster) -> ServerApp:
    """The master's half.

    Args:
        play: Plays the role.

    Returns:
        The value for the app's `serverapp`.
    """
    app = ServerApp()

    @app.main()
    def main(grid: Grid, context: Context) -> None:
        store = _store(context)
        files = store.read()
        try:
            with Nodes(grid, tuple(files.children)) as nodes:
                play(files.master, nodes)
        except BaseException as error:
            store.end(Ending(type(error).__name__, str(error)))
            raise
        store.end(Ending())

    del main  # Flower has it
    return app


def _kind(error: BaseException) -> Goodbye:
    return Goodbye(f"it failed ({type(error).__name__})")


def client_app(play: PlayChild, error_text: ErrorText = _kind) -> ClientApp:
    """A child's half.

    The master is told of our errors what `error_text` returns: Flower itself would send all of
    its text.

    Args:
        play: Plays the role.
        error_text: Returns what the master is told of an error.

    Returns:
        The value for the app's `clientapp`.
    """
    app = ClientApp()

    @app.train()
    def request(message: Message, context: Context) -> Message:
        try:
            content = _replayed(message, context, play)
        except Exception as error:  # noqa: BLE001 - of any kind: its text must not leave
            bug = None if isinstance(error, IsthmusError) else error
            log(ERROR, "isthmus: %s", error, exc_info=bug)  # in the SuperNode's own log
            content = farewell(error_text(error))
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

    del request, partition, over  # Flower has them
    return app


def _replayed(message: Message, context: Context, play: PlayChild) -> RecordDict:
    history = History(unpacked(message.content), known(message.content))
    settings = _settings(context)
    return packed(replies(history, lambda replay: play(settings, replay)))


def _settings(context: Context) -> Settings:
    # From the node's own configuration; only in a simulation, from the run files.
    if PARTITION not in context.node_config:
        return {name: str(value) for name, value in context.node_config.items()}
    children = list(_store(context).read().children.values())
    number = int(context.node_config[PARTITION])
    if number >= len(children):
        raise SpecError(f"the simulation has more nodes than the job has children, {len(children)}")
    return children[number]


def _store(context: Context) -> RunFilesStore:
    return RunFilesStore(str(context.run_config.get("files", "")))
