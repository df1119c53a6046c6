"""Is a job, and one party's side of it, ready to run?"""

from isthmus.cli.answer import Answer
from isthmus.cli.arguments import JobFile, OptionalPartyFile
from isthmus.cli.layout import draw
from isthmus.jobs import shown


def check(job: JobFile, party: OptionalPartyFile = None) -> Answer:
    """Validate the files and print the plan; nobody is contacted."""
    from isthmus.jobs.check import check as validate

    found = validate(job, party)
    return Answer(found, draw(shown.checked(found)))
