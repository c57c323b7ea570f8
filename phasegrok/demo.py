"""The demonstration: one real study, from its description to a phase diagram and a report.

Two-layer erf networks with 88 hidden neurons learn a cubic teacher at equilibrium, on a grid
of noise variance by number of examples on both sides of the first-order line of Rubin,
Seroussi and Ringel, arXiv:2310.03789 (their Fig. 2 at scale β = 1/8).
"""

from pathlib import Path
from typing import Final

from phasegrok.collect import collect
from phasegrok.report import report_study
from phasegrok.study import Energy, Plan, Recording, Study, part

__all__ = ["OBSERVABLES", "demo_study", "run_demo"]

OBSERVABLES: Final = (
    "train_loss",
    "test_loss",
    "teacher_overlap",
    "linear_discrepancy",
    "cubic_discrepancy",
    "aligned_fraction",
)

_SCALE: Final = 1.0 / 8.0
# β of the paper: N = 700 β, d = 150 √β, n = 3000 β and σ_a² = 8 / (700 √β).


def demo_study(*, quick: bool = False) -> Study:
    """Describe the study of the demonstration.

    The loss is ½ Σ (f - y)², so that the temperature is the noise variance σ², and every
    layer's weight decay follows its prior. Half of the runs of a disorder start from the
    prior, half with all neurons aligned; in equilibrium they agree.

    Parameters
    ----------
    quick : bool
        Fewer points and replicas, shorter runs: larger errors in under a minute.

    Returns
    -------
    Study
        384 runs at 24 points, or 48 runs at 6 points.
    """
    grid = {
        "temperature": [0.10, 0.18, 0.30] if quick else [0.10, 0.14, 0.18, 0.22, 0.26, 0.32],
        "example_count": [250, 375] if quick else [225, 300, 375, 450],
    }
    burn_in = 40 if quick else 60
    return Study(
        name="Two-layer networks learn a cubic teacher",
        seed=20231,
        task=part(
            "cubic_teacher", input_size=53, example_count=375, cubic=-0.3, test_count=500
        ),
        network=part(
            "two_layer",
            width=88,
            activation="erf",
            first_variance=0.5,
            readout_variance=8.0 / (700.0 * _SCALE**0.5),
        ),
        dynamics=part("hmc", step_size=0.15, leapfrog_steps=10, burn_in=burn_in),
        energy=Energy(temperature=0.18, weight_decay="prior"),
        recording=Recording(
            steps=burn_in + (80 if quick else 200),
            every=2,
            observables=[part(name) for name in OBSERVABLES],
        ),
        plan=Plan(
            grid=grid, disorders=4, replicas=1 if quick else 2, starts=("prior", "aligned")
        ),
    )


def run_demo(
    out: str | Path, *, quick: bool = False, workers: int = 2, device: str = "cpu"
) -> Path:
    """Collect the study of the demonstration, analyse it, draw it, and write its report.

    Interrupted, the same call goes on where it stopped.

    Parameters
    ----------
    out : path
        Folder for the study, its figures and its report.
    quick : bool
        See `demo_study`.
    workers : int
        Processes. A script that calls this needs the usual ``if __name__ == "__main__":``.
    device : str
        Where to simulate.

    Returns
    -------
    Path
        The report, one HTML file.
    """
    collect(demo_study(quick=quick), out, workers=workers, device=device, target_seconds=5.0)
    return report_study(out, workers=workers)
