"""What a network is asked to learn: inputs, targets and their split, one task a file."""

from collections.abc import Callable

from phasegrok.errors import InvalidStudyError
from phasegrok.study import Part, build_part
from phasegrok.tasks.cubic_teacher import CubicTeacher
from phasegrok.tasks.data import Examples, Task, TaskData
from phasegrok.tasks.idx import read_idx, write_idx
from phasegrok.tasks.linear_teacher import LinearTeacher
from phasegrok.tasks.mnist import Mnist

__all__ = [
    "TASKS",
    "CubicTeacher",
    "Examples",
    "LinearTeacher",
    "Mnist",
    "Task",
    "TaskData",
    "build_task",
    "read_idx",
    "write_idx",
]

TASKS: dict[str, Callable[..., Task]] = {
    "cubic_teacher": CubicTeacher,
    "linear_teacher": LinearTeacher,
    "mnist": Mnist,
}
"""Built-in kinds, by the name used in a study."""


def build_task(description: Part) -> Task:
    """Make the task that a part describes.

    Parameters
    ----------
    description : Part
        Kind and options.

    Returns
    -------
    Task
        The task.

    Raises
    ------
    InvalidStudyError
        For an unknown kind or option, or a plug-in that is no task.
    """
    task = build_part(description, TASKS, "task")
    if not isinstance(task, Task):
        raise InvalidStudyError(
            f"the task {description.kind!r} must have loss, input_shape, output_size and "
            f"draw(study_seed=, disorder=); received {type(task).__name__}. "
            "See docs/extending.md."
        )
    return task
