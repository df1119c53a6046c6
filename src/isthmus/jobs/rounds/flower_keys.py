"""Checks the addresses and files with which a party joins its Flower federation."""

from isthmus.core.errors import SpecError
from isthmus.horizontal.flower.launch import SuperLink
from isthmus.jobs import connection
from isthmus.jobs.rounds.plan import RoundsPlan


def check(plan: RoundsPlan) -> None:
    """Check addresses and files without contacting anybody.

    Args:
        plan: What we are about to run.

    Raises:
        SpecError: One of them is missing or wrong.
    """
    connection.identity(plan)
    if not plan.listens:
        superlink(plan)


def superlink(plan: RoundsPlan) -> SuperLink:
    """How our SuperNode comes to its SuperLink.

    Args:
        plan: What we are about to run; we are a child.

    Returns:
        The address, and files that can be read.

    Raises:
        SpecError: A key of the table [flower] is missing or wrong, or a file is.
    """
    flower = plan.party.flower
    if not (flower.superlink and flower.root_certificates and flower.private_key):
        raise SpecError("`superlink`, `root_certificates` and `private_key` belong in [flower].")
    address = connection.host_and_port(plan, "flower.superlink", flower.superlink)
    authority, key = plan.folder / flower.root_certificates, plan.folder / flower.private_key
    for path in (authority, key):
        connection.read_file(
            path, "See docs/guides/flower.md for how to make the files of [flower]."
        )
    connection.check_private(key)
    return SuperLink(address, authority.resolve(), key.resolve())


def place(plan: RoundsPlan) -> str:
    """Returns where a party meets the others, in words."""
    flower = plan.party.flower
    if plan.listens:
        return f"starts the run on Flower's connection {flower.connection!r}"
    return f"is a SuperNode of the SuperLink at {flower.superlink}"
