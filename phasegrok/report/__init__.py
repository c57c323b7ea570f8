"""A study's numbers, figures and text; `report_study` makes all three.

Everything is drawn and written from the stored runs and the stored analysis: no torch.
"""

from phasegrok.report.analysis import Analysis, analyze_study, read_analysis
from phasegrok.report.figures import plot_study
from phasegrok.report.page import report_study, write_report

__all__ = [
    "Analysis",
    "analyze_study",
    "plot_study",
    "read_analysis",
    "report_study",
    "write_report",
]
