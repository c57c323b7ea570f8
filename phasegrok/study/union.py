"""Plans put together: a plan that asks for what each of several plans asks for."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeAlias

from phasegrok.study.control import Scalar, axis_values, point_key, same_scalar
from phasegrok.study.description import Plan

__all__ = ["asks_for", "joined_plan"]

Extent: TypeAlias = tuple[int, int]
"""Disorders and replicas that are asked for at one point and start."""


def asks_for(plan: Plan, other: Plan) -> bool:
    """Tell whether a plan asks for every run that another one asks for.

    Parameters
    ----------
    plan, other : Plan
        Compared point by point as they are written: an option that is stated and not varied
        counts as another point.

    Returns
    -------
    bool
    """
    return _covers(plan.entries(), other.entries())


def joined_plan(plans: Sequence[Plan]) -> Plan:
    """Ask for all runs of several plans, and for no other.

    Parameters
    ----------
    plans : sequence of Plan
        At least one.

    Returns
    -------
    Plan
        The first that asks for all, as it is written, where there is one. Else grids that
        differ along one axis become one grid, points of equal numbers one list, and what is
        left stands under `more`.
    """
    for plan in plans:
        if all(asks_for(plan, other) for other in plans):
            return plan
    entries: list[Plan] = []
    for entry in (each for plan in plans for each in plan.entries()):
        entries = _with(entries, entry)
    return replace(entries[0], more=tuple(entries[1:]))


def _with(entries: Sequence[Plan], new: Plan) -> list[Plan]:
    """Add a plan to others, joined to one of them where both make one."""
    if _covers(entries, [new]):
        return list(entries)
    kept = [each for each in entries if not _covers([new], [each])]
    for place, each in enumerate(kept):
        merged = _merged(each, new)
        if merged is not None:
            return _with([*kept[:place], *kept[place + 1 :]], merged)
    place = next((i for i, each in enumerate(entries) if each not in kept), len(kept))
    return [*kept[:place], new, *kept[place:]]


def _covers(entries: Iterable[Plan], others: Iterable[Plan]) -> bool:
    # What is asked for at a point is a union of rectangles with one corner in common, so one
    # of them must hold the whole of a rectangle if the union does.
    extents: dict[object, list[Extent]] = {}
    for entry in entries:
        for key in _keys(entry):
            extents.setdefault(key, []).append((entry.disorders, entry.replicas))
    return all(
        any(d >= other.disorders and r >= other.replicas for d, r in extents.get(key, ()))
        for other in others
        for key in _keys(other)
    )


def _keys(plan: Plan) -> list[object]:
    return [(point_key(point), start) for point in plan.own_points() for start in plan.starts]


def _merged(one: Plan, other: Plan) -> Plan | None:
    """Write two plans as one without more, where their union can be written so."""
    numbers = ("disorders", "replicas")
    if any(getattr(one, name) != getattr(other, name) for name in numbers):
        return None
    if set(one.starts) != set(other.starts):
        return None
    if not one.grid and not other.grid and one.points and other.points:
        keys = {point_key(point) for point in map(dict, one.points)}
        added = [each for each in other.points if point_key(dict(each)) not in keys]
        return replace(one, points=(*one.points, *added))
    if one.points or other.points or set(one.grid) != set(other.grid):
        return None
    axes = {
        name: (axis_values(name, one.grid[name]), axis_values(name, other.grid[name]))
        for name in one.grid
    }
    differing = [name for name, (mine, theirs) in axes.items() if not _same(mine, theirs)]
    if len(differing) != 1:
        return None
    return replace(one, grid={**one.grid, differing[0]: _united(*axes[differing[0]])})


def _same(one: Sequence[Scalar], other: Sequence[Scalar]) -> bool:
    return len(one) == len(other) and all(
        any(same_scalar(mine, theirs) for theirs in other) for mine in one
    )


def _united(one: Sequence[Scalar], other: Sequence[Scalar]) -> list[Scalar]:
    values = list(one)
    values += [each for each in other if not any(same_scalar(each, mine) for mine in one)]
    if any(isinstance(value, str | bool) for value in values):
        return values
    return sorted(values, key=float)
