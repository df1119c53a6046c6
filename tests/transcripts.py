"""What has crossed a line, beside what a module of messages declares."""

from collections.abc import Sequence
from types import ModuleType

import msgspec

from isthmus.transport.message import Message, MessageT, decode


def declared(messages: ModuleType) -> dict[str, type[Message]]:
    """The messages of a module, by name."""
    return {
        name: kind
        for name, kind in vars(messages).items()
        if isinstance(kind, type) and issubclass(kind, Message) and kind is not Message
    }


def kinds(sent: Sequence[bytes]) -> list[str]:
    """Names of the types of encoded messages."""
    return [msgspec.msgpack.decode(each)["type"] for each in sent]


def of_kinds(sent: Sequence[bytes], *wanted: type[MessageT]) -> list[MessageT]:
    """Those of some types, decoded."""
    known = {kind.__name__: kind for kind in wanted}
    return [
        decode(each, known[name], "peer")
        for each, name in zip(sent, kinds(sent), strict=True)
        if name in known
    ]
