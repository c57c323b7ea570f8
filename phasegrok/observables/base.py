"""The contract of every observable: a pure function with a name, a unit and a description."""

from abc import ABC, abstractmethod

from torch import Tensor

from phasegrok.networks import Network
from phasegrok.observables.measurement import Measurement
from phasegrok.schema import Symmetry
from phasegrok.tasks import Task

__all__ = ["Observable"]


class Observable(ABC):
    """One measured quantity; a concrete one is a frozen dataclass of its options."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the variable."""

    @property
    @abstractmethod
    def long_name(self) -> str:
        """One line that says what it is."""

    @abstractmethod
    def measure(self, measurement: Measurement) -> Tensor:
        """Measure every run.

        Parameters
        ----------
        measurement : Measurement
            The live state.

        Returns
        -------
        (run, *dims) tensor
            Each run's value computed from that run alone.
        """

    @property
    def units(self) -> str:
        """Unit; "1" where there is none."""
        return "1"

    @property
    def symmetry(self) -> Symmetry:
        """How the energy's symmetry acts on it."""
        return Symmetry.NONE

    @property
    def dims(self) -> tuple[str, ...]:
        """Dimensions besides run, such as ("neuron",); such values are stored in float32."""
        return ()

    def check(self, network: Network, task: Task) -> None:  # noqa: B027
        """Refuse networks or tasks that it cannot measure.

        Raises
        ------
        InvalidStudyError
            Before any run is begun.
        """
