"""Critical points: curves along the control, peaks, crossings, exponents, collapse."""
