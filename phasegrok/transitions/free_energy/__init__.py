"""Free energies along a coordinate: wells, barriers, and how long it takes over them."""
