"""Named parts of a study: a kind and its options, resolved to an object when it is needed."""

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from types import MappingProxyType
from typing import Any, TypeVar, final

from phasegrok.errors import InvalidStudyError, PhasegrokError, did_you_mean
from phasegrok.study.checks import (
    plain_value,
    require_finite_options,
    require_number,
    require_table,
    require_text,
    require_whole,
)

__all__ = ["Part", "build_part", "find_plug_in", "part"]

Built = TypeVar("Built")

_COUNTED = ("task", "network", "dynamics")
"""Roles whose whole numbers are sizes and counts; an observable may count from the end."""


@final
@dataclass(frozen=True)
class Part:
    """One part of a study: a task, a network, the dynamics, an observable, a penalty.

    Parameters
    ----------
    kind : str
        Name of a built-in kind, or ``module:object`` for one of the user's own.
    options : mapping
        Keyword arguments of that kind: plain numbers, strings, booleans, lists and tables.
    """

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Freeze the options, so that a study cannot change under its hash.

        Raises
        ------
        InvalidStudyError
            For a kind that is no text, options that are no table, or an infinite number.
        """
        require_text("the kind of a part", self.kind)
        options = plain_value(require_table(f"the options of {self.kind!r}", self.options))
        for name, value in options.items():
            require_finite_options(f"{self.kind}.{name}", value)
        object.__setattr__(self, "options", MappingProxyType(options))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the options as a dictionary, which a worker process can receive."""
        return (Part, (self.kind, dict(self.options)))

    def __hash__(self) -> int:
        """Hash by the text, since the options may hold lists."""
        return hash((self.kind, repr(sorted(self.options.items()))))

    def with_options(self, changes: Mapping[str, Any]) -> "Part":
        """Copy with some options replaced."""
        return Part(self.kind, {**self.options, **changes})

    def plain(self) -> dict[str, Any]:
        """As one table of plain data, the form that TOML and JSON hold."""
        return {"kind": self.kind, **self.options}


def part(kind: str, /, **options: Any) -> Part:
    """Name a part and its options.

    Parameters
    ----------
    kind : str
        Name of a built-in kind, or ``module:object``.
    **options
        Keyword arguments of the kind.

    Returns
    -------
    Part
        The description; nothing is imported or built yet.
    """
    return Part(kind, options)


def find_plug_in(kind: str) -> Any:
    """Import what ``module:object`` names.

    Parameters
    ----------
    kind : str
        Importable module and the object in it, separated by a colon.

    Returns
    -------
    object
        The class or function.

    Raises
    ------
    InvalidStudyError
        If the module cannot be imported, has no such object, or the object is not callable.
    """
    module_name, _, object_name = require_text("the kind of a plug-in", kind).partition(":")
    if not all((*module_name.split("."), object_name)):
        raise InvalidStudyError(
            f"a plug-in must be named as 'module:object', received {kind!r}; "
            "give the full name of the module, without a leading dot, and of the object."
        )
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise InvalidStudyError(
            f"the plug-in {kind!r} needs an importable module {module_name!r}, and importing "
            f"it said: {type(error).__name__}: {error}. Put the file beside the study "
            "description or on PYTHONPATH."
        ) from error
    if object_name not in vars(module):
        public = [name for name in vars(module) if not name.startswith("_")]
        raise InvalidStudyError(
            f"the module {module_name!r} has no {object_name!r}."
            + did_you_mean(object_name, public)
        )
    found = vars(module)[object_name]
    if not callable(found):
        raise InvalidStudyError(
            f"the plug-in {kind!r} must be a class or a function, received "
            f"{type(found).__name__}; name what makes the part."
        )
    return found


def build_part(
    description: Part, known: Mapping[str, Callable[..., Built]], role: str
) -> Built:
    """Make the object that a part describes.

    Parameters
    ----------
    description : Part
        Kind and options.
    known : mapping
        Built-in kinds of this role.
    role : str
        What the part is, for the error message, such as "network".

    Returns
    -------
    object
        The kind called with the options.

    Raises
    ------
    InvalidStudyError
        For an unknown kind, an unknown or missing option, one of another type than the kind
        declares as a dataclass, or one that the kind refuses.
    """
    make: Callable[..., Built]
    if ":" in description.kind:
        make = find_plug_in(description.kind)
    elif description.kind in known:
        make = known[description.kind]
    else:
        raise InvalidStudyError(
            f"there is no {role} of kind {description.kind!r}."
            + did_you_mean(description.kind, known)
            + " One of your own is named as 'module:object'."
        )
    _check_options(description, make, role)
    try:
        built = make(**description.options)
    except PhasegrokError:
        raise
    except Exception as error:
        raise InvalidStudyError(
            f"the {role} {description.kind!r} cannot be built from the options "
            f"{dict(description.options)}: {type(error).__name__}: {error}. Change the options."
        ) from error
    _check_types(description.kind, built, minimum=0 if role in _COUNTED else None)
    return built


def _check_options(description: Part, make: Callable[..., object], role: str) -> None:
    try:
        parameters = inspect.signature(make).parameters
    except (TypeError, ValueError):
        # Some callables written in C tell no signature; they refuse options themselves.
        return
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values()):
        return
    for name in description.options:
        if name not in parameters:
            raise InvalidStudyError(
                f"the {role} {description.kind!r} has no option {name!r}."
                + did_you_mean(name, parameters)
            )
    required = [
        name
        for name, each in parameters.items()
        if each.default is inspect.Parameter.empty
        and each.kind
        in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    ]
    missing = [name for name in required if name not in description.options]
    if missing:
        raise InvalidStudyError(
            f"the {role} {description.kind!r} needs the option {missing[0]!r}, and received "
            f"{_listed(description.options)}; add it."
        )


def _listed(options: Mapping[str, Any]) -> str:
    return ", ".join(repr(name) for name in sorted(options)) or "no options"


def _check_types(kind: str, built: object, *, minimum: int | None) -> None:
    """Refuse a dataclass whose options are unlike its annotations."""
    if not is_dataclass(built) or isinstance(built, type):
        return
    for each in (every for every in fields(built) if every.init):
        name, value = f"the option {each.name!r} of {kind!r}", getattr(built, each.name)
        if each.type in (int, "int"):
            require_whole(name, value, minimum=minimum)
            if isinstance(value, float):
                # 20.0 is a whole number, but counting with it is another matter.
                raise InvalidStudyError(
                    f"{name} must be a whole number, received {value!r}; leave out the point."
                )
        elif each.type in (float, "float"):
            require_number(name, value)
        elif each.type in (str, "str"):
            require_text(name, value)
