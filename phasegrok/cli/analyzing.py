"""Commands that write figures, numbers, a report, and runs for other programs."""

import argparse
from pathlib import Path

from phasegrok.cli.codes import DONE
from phasegrok.cli.commands import Commands, command_on_folder
from phasegrok.runs import export_netcdf, export_zarr

__all__ = ["add_analyzing"]


def add_analyzing(commands: Commands) -> None:
    """Declare the commands.

    Parameters
    ----------
    commands : Commands
        Where they belong.
    """
    text = "write figures, numbers and a report of a study"
    command_on_folder(commands, "analyze", _analyze, text)
    command_on_folder(commands, "plot", _plot, "draw the figures of a study")
    text = "write all runs of a study as one file or store that other programs read"
    export = command_on_folder(commands, "export", _export, text)
    export.add_argument("target", type=Path, metavar="TARGET", help="file or store to be made")
    export.add_argument(
        "--format",
        choices=("netcdf", "zarr"),
        help="default: zarr where the name of the target ends so, netcdf elsewhere",
    )
    export.add_argument(
        "--without", action="append", default=[], metavar="FILE", help="leave a file out"
    )
    export.add_argument("--overwrite", action="store_true", help="replace an older target")


def _analyze(options: argparse.Namespace) -> int:
    from phasegrok.report import report_study

    print(report_study(options.folder, workers=2))
    return DONE


def _plot(options: argparse.Namespace) -> int:
    from phasegrok.report import plot_study

    for path in plot_study(options.folder):
        print(path)
    return DONE


def _export(options: argparse.Namespace) -> int:
    by_name = "zarr" if options.target.suffix == ".zarr" else "netcdf"
    export = export_zarr if (options.format or by_name) == "zarr" else export_netcdf
    print(
        export(
            options.folder,
            options.target,
            without=options.without,
            overwrite=options.overwrite,
        )
    )
    return DONE
