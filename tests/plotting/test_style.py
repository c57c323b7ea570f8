"""Sizes and lettering leave the user's own matplotlib alone."""

import subprocess
import sys

import matplotlib as mpl
from matplotlib.figure import Figure

from phasegrok.plotting import SINGLE_COLUMN, style
from phasegrok.plotting.style import PALETTE, label_of, new_axes


def test_settings_end_with_the_block() -> None:
    before = mpl.rcParams["font.size"]
    with style():
        assert mpl.rcParams["font.size"] == 8.0
    assert mpl.rcParams["font.size"] == before


def test_importing_makes_no_global_figure_manager() -> None:
    source = "import sys, phasegrok.plotting; print('matplotlib.pyplot' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert found.stdout.strip() == "False", found.stderr


def test_a_figure_is_one_column_wide() -> None:
    figure = new_axes().figure
    assert isinstance(figure, Figure)
    assert figure.get_size_inches()[0] == SINGLE_COLUMN


def test_names_without_a_label_are_words() -> None:
    assert label_of("half_square_norm_first") == "half square norm first"
    assert label_of("noise_variance", symbol=True) == r"$\sigma^2$"


def test_the_colours_differ() -> None:
    assert len(set(PALETTE)) == len(PALETTE) == 7
