"""Recording one's own training loop with tensors of torch."""

from pathlib import Path

import numpy as np
import torch

from phasegrok.runs import open_runs, record


def test_takes_python_numpy_and_torch_numbers(tmp_path: Path) -> None:
    parameter = torch.ones(2, requires_grad=True)
    with record(tmp_path, controls={"width": np.int64(3), "task": "cubic", "on": True}) as run:
        run.describe("overlap", units="1", long_name="overlap q", symmetry="sign", dims=("h",))
        for step in range(3):
            run.log(
                step=torch.tensor(step),
                time=0.5 * step,
                loss=parameter.sum() * step,
                correct=torch.tensor(True),
                count=step,
                overlap=parameter * step,
                half=torch.tensor(0.5, dtype=torch.bfloat16),
                speed=1 if step == 0 else 0.25,
            )
    runs = open_runs(tmp_path).load()
    assert runs["time"].values.tolist() == [0.0, 0.5, 1.0]
    assert runs["loss"].values.tolist() == [[0.0, 2.0, 4.0]]
    assert runs["count"].dtype == runs["correct"].dtype == np.int64
    assert runs["half"].values.tolist() == [[0.5] * 3]
    assert runs["speed"].values.tolist() == [[1.0, 0.25, 0.25]]
    assert runs["overlap"].dtype == np.float32
    assert runs["overlap"].dims == ("run", "record", "h")
    assert runs["overlap"].attrs == {
        "units": "1",
        "long_name": "overlap q",
        "symmetry": "sign",
    }
    assert (runs["width"].item(), runs["task"].item(), runs["on"].item()) == (3, "cubic", 1)
