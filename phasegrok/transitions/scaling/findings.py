"""What became of a search along the control: found, at the edge, or not there."""

from enum import StrEnum

__all__ = ["Finding"]


class Finding(StrEnum):
    """Outcome of looking for a point along the control."""

    FOUND = "found"
    AT_EDGE = "at edge"
    """It lies at an end of the controls that were sampled, so perhaps beyond."""
    UNRESOLVED = "unresolved"
    """It is there, but no clearer than chance would make it."""
    ABSENT = "absent"
    """It is not within the controls that were sampled."""
    REFUSED = "refused"
    """The samples cannot say, such as where neighbouring controls do not overlap."""
