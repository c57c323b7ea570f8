"""The question a study asks, and the system it asks it of, in words and equations."""

from html import escape
from typing import Any

from phasegrok.report.analysis import Analysis
from phasegrok.report.wording import significant, words_table

__all__ = ["question", "system_text"]

_PAPER = '<a href="https://arxiv.org/abs/2310.03789">arXiv:2310.03789</a>'


def question(analysis: Analysis) -> str:
    """One paragraph: what the study is to find out."""
    if analysis.summary["beside"] is None:
        return "Averages, errors and the health of the runs at every point of this study."
    return (
        "Do the neurons of a two-layer network that learns a cubic target split into two "
        "phases, as a first-order transition asks for? And does the theory of adaptive "
        "kernels, without a fitted parameter, say where, how many neurons, and how much is "
        "learned?"
    )


def system_text(analysis: Analysis) -> str:
    """The system with its equations where it is the cubic teacher's, else its description."""
    description = _description(analysis.summary["study"])
    if analysis.summary["beside"] is None:
        return "<h2>System</h2>" + description
    return _CUBIC_TEACHER + description


def _description(study: dict[str, Any]) -> str:
    rows = []
    for role in ("task", "network", "dynamics", "energy", "recording", "plan"):
        options = study.get(role)
        if isinstance(options, dict) and options:
            rows.append(
                [
                    role,
                    "; ".join(
                        _option(k, v) for k, v in sorted(options.items()) if v is not None
                    ),
                ]
            )
    if not rows:
        return "<p>These runs were recorded, not collected from a description.</p>"
    return words_table(["part", "as described"], rows)


def _option(name: str, value: Any) -> str:
    return f"{escape(name.replace('_', ' '))}: {_plain(value)}"


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return significant(value, 6)
    if isinstance(value, dict) and set(value) == {"kind"}:
        return escape(str(value["kind"]))
    if isinstance(value, dict):
        return ", ".join(_option(key, each) for key, each in value.items()) or "none"
    if isinstance(value, list):
        return ", ".join(_plain(each) for each in value) or "none"
    return escape(str(value))


_CUBIC_TEACHER = f"""<h2>System</h2>
<p>Inputs are Gaussian, x ~ N(0, 1) in d dimensions, and the target depends on one direction
w* of unit length, through a linear and a small cubic part without label noise:</p>
<p class="equation"><span>y(x) = H₁(w*·x) + ε H₃(w*·x),</span> <span>H₁(z) = z,</span>
<span>H₃(z) = z³ − 3z</span></p>
<p>The network has N hidden neurons and learns n examples,</p>
<p class="equation"><span>f(x) = Σ<sub>i</sub> a<sub>i</sub> erf(w<sub>i</sub>·x),</span>
<span>p(a, w) ∝ exp[ −Σ<sub>μ</sub> (f − y)²/(2σ²) −
Σ<sub>i</sub> d|w<sub>i</sub>|²/(2σ<sub>w</sub>²) −
Σ<sub>i</sub> N a<sub>i</sub>²/(2σ<sub>a</sub>²) ]</span></p>
<p>which is the law exp(−U/T) of training with noise at temperature T = σ² for the loss
½ Σ (f − y)², with the weight decay of each layer fixed by its prior. What a neuron has found of
the teacher is its overlap q = w·w*; a neuron is <em>aligned</em> where |q| is large. What the
network has not learned is the mean residual y − f = b H₁ + c H₃.</p>
<p>For large sizes the theory (Rubin, Seroussi and Ringel, {_PAPER}) gives each neuron the
density</p>
<p class="equation"><span>p(q) ∝ exp(−S),</span> <span>S(q) = d [ q²/(2σ<sub>w</sub>²) −
(2u/π)(q²/D)(b − 2c q²/D)² ],</span> <span>D = 1 + 2(σ<sub>w</sub>² + q²),</span>
<span>u = n²σ<sub>a</sub>²/(σ⁴dN)</span></p>
<p>with b and c fixed by self-consistency. Beyond a line in the plane of noise and examples a
second kind of neurons, droplets at ±q*, coexists with the unaligned ones. The theory drawn here
corrects two misprints of the paper and has no fitted parameter; the solid curves solve it at
the size that was trained, the dashed ones in the limit of large sizes.</p>
"""
