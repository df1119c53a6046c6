"""Is a job, and one party's side of it, ready to run?"""

from isthmus.answers import parts
from isthmus.answers.text import draw
from isthmus.cli.answer import Answer
from isthmus.cli.arguments import JobFile, OptionalPartyFile


def check(job: JobFile, party: OptionalPartyFile = None) -> Answer:
    """Validate the files and print the plan; nobody is contacted."""
    from isthmus.jobs.check import check as validate

    found = validate(job, party)
    return Answer(found, draw(parts.checked(found)))
