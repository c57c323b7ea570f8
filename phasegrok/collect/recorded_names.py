"""What a study will record, told before a run is made."""

from phasegrok.dynamics import failed_dataset
from phasegrok.schema import RECORD, RUN
from phasegrok.study import Study, requested_runs

__all__ = ["series_names"]


def series_names(study: Study) -> list[str]:
    """Names of the variables of which every run will have one number a record.

    Parameters
    ----------
    study : Study
        Description; the parts of its first run are built.

    Returns
    -------
    list of str
        Without resolved observables, which have more numbers than one.

    Raises
    ------
    InvalidStudyError
        If the study cannot be carried out.
    """
    empty = failed_dataset(study, requested_runs(study)[:1], "never made")
    return [str(name) for name, each in empty.data_vars.items() if each.dims == (RUN, RECORD)]
