"""One thread a process, fixed random examples, and nothing heavy where it is not there."""

import importlib.util
import os

from hypothesis import settings

# Before anything imports numpy or torch: they read these once.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

if importlib.util.find_spec("torch") is not None:
    import torch

    torch.set_num_threads(1)

# The same examples on every machine, however busy it is.
settings.register_profile("phasegrok", derandomize=True, deadline=None)
settings.load_profile("phasegrok")
