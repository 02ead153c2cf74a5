"""What of the processor changes numbers, and how many of it this process may use."""

from __future__ import annotations

from dataclasses import dataclass

from parity.runtimes.shared.machine import cpu_features, processors

# What each feature changes, where libraries choose their kernels by it.
EFFECTS = {
    "avx512_vnni": "int8 sums without saturating in between",
    "avx_vnni": "int8 sums without saturating in between",
    "amx_int8": "int8 by matrix tiles",
    "avx512f": "wider float sums, in another order",
    "avx512_bf16": "bfloat16 kernels",
    "amx_bf16": "bfloat16 by matrix tiles",
    "fma": "a product and a sum rounded once",
    "asimddp": "int8 dot products",
    "i8mm": "int8 by matrix products",
}


@dataclass(frozen=True)
class Processor:
    """Features that decide which kernels run, with what the chief ones change; processors."""

    model: str
    features: tuple[str, ...]
    effects: dict[str, str]
    absent: dict[str, str]
    usable: int


def processor() -> Processor:
    """This machine's."""
    features = cpu_features()
    family = ("asimd",) if "asimd" in features else ("avx",)
    arm = family == ("asimd",)
    relevant = {
        name: does for name, does in EFFECTS.items() if (name in ("asimddp", "i8mm")) == arm
    }
    return Processor(
        _model(),
        features,
        {name: does for name, does in relevant.items() if name in features},
        {name: does for name, does in relevant.items() if name not in features},
        processors(),
    )


def _model() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as handle:
            for line in handle:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return "unknown"
