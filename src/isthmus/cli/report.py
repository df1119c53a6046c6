"""Reports of finished runs."""

from isthmus.cli.answer import Answer
from isthmus.cli.arguments import RunFolder


def report(run: RunFolder) -> Answer:
    """Write the HTML report of a finished run anew; of a simulated run, every party's."""
    from isthmus.jobs.report import write_all

    paths = [str(path) for path in write_all(run)]
    return Answer({"reports": paths}, "\n".join(paths))
