"""Rounds without messages: a master and hundreds of children in one process, for research."""

from collections.abc import Mapping

from isthmus.core.telemetry import Telemetry
from isthmus.horizontal import answers
from isthmus.horizontal.course import Contribution, Course, Training
from isthmus.horizontal.lesson import Lesson
from isthmus.horizontal.memory import ChildMemory
from isthmus.horizontal.messages import RoundStart
from isthmus.horizontal.parameters import Layout


def federate(
    training: Training, lessons: Mapping[str, Lesson], count: int, telemetry: Telemetry
) -> Course:
    """Train as a master and its children would if every child were there in every round.

    Args:
        training: What is trained, and the rule that fuses a round's updates; the master of this
            one sees them, also where the job has it see their sum only.
        lessons: Of each child.
        count: Most rounds; the fusion may end it earlier.
        telemetry: Where progress goes.

    Returns:
        The course of training, with the same numbers as `rounds.master` would have.

    Raises:
        JobError: The fused parameters are not finite, or the rule cannot fuse so few children.
        SpecError: A child cannot train.
    """
    course = Course(training.initial)
    layout = Layout.of(training.initial)
    while not course.done and len(course.rounds) < count:
        number = len(course.rounds) + 1
        start = RoundStart(round=number, parameters=course.parameters)
        taken = list[Contribution]()
        left_out = dict[str, str]()
        for child, lesson in sorted(lessons.items()):
            answer = answers.written(lesson.update(start, ChildMemory()), training.compression)
            given = answers.read(child, lesson.samples, answer, layout)
            if flaw := training.examine(given):
                left_out[child] = f"refused: {flaw}"
            else:
                taken.append(given)
        fused = training.fuse(course.parameters, taken, course.state)
        course = course.after(taken, fused, left_out)
        telemetry.progress("train", number, count, children=len(taken))
    return course
