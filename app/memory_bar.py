"""The memory that a run will take as a bar by purpose, whether it fits, and what the last run really held."""

from app.markup import note, safe, size
from app.words import Say
from engine.memory.info import MeasuredMemory, MemoryInfo

PARTS = ("weights", "quantisation", "adapter", "gradients", "optimiser", "activations", "logits")
SIGNS = {"fits": "✓", "tight": "!", "will not fit": "✕"}
NUMBERED = 0.06  # share of the bar from which on a part has room for its number


def memory_bar(say: Say, info: MemoryInfo) -> str:
    """One line with the verdict and the bar, which opens: every part has a number, by which `legend` names it."""
    bar = "".join(_segment(number, name, held / max(1, info.total)) for number, name, held in _numbered(info))
    whole = say("memory.needs", needed=size(info.total))
    return (
        f'<details class="gl-memory" data-verdict="{info.verdict}" data-total="{info.total}">'
        f'<summary title="{safe(say("memory.parts"))}"><h3>{say("memory.title")}</h3><strong>{whole}</strong>'
        f'{_verdict(say, info)}<span class="gl-memory-bar" aria-hidden="true">{bar}</span></summary>'
        f"{legend(say, info)}</details>"
    )


def legend(say: Say, info: MemoryInfo) -> str:
    """What each part of the bar is, with its number, so that it can be read without its colour."""
    entries = "".join(_entry(say, str(number), name, held) for number, name, held in _numbered(info))
    between = _entry(say, "·", "kv_cache", info.kv_cache, say("memory.between"))
    batch = say("memory.batch", rows=info.rows, length=info.length)
    return f'<div class="gl-memory-parts"><ol>{entries}{between}</ol><p class="gl-fact">{batch}</p></div>'


def _numbered(info: MemoryInfo) -> list[tuple[int, str, int]]:
    """Number, name and bytes of the parts that hold anything."""
    held = [(name, getattr(info, name)) for name in PARTS if getattr(info, name)]
    return [(number, *part) for number, part in enumerate(held, 1)]


def _verdict(say: Say, info: MemoryInfo) -> str:
    line = say(
        f"memory.{info.verdict}",
        free=size(info.free),
        all=size(info.capacity),
        device=say(f"memory.device.{info.device}"),
    )
    advice = "" if info.verdict == "fits" else f'<span class="gl-advice">{safe(say("memory.advice"))}</span>'
    return f'<span class="gl-verdict"><span aria-hidden="true">{SIGNS[info.verdict]}</span> {safe(line)}</span>{advice}'


def _segment(number: int, name: str, share: float) -> str:
    text = str(number) if share >= NUMBERED else ""
    return f'<i class="{name}" style="flex-grow:{share:.4f}">{text}</i>'


def _entry(say: Say, number: str, name: str, held: int, remark: str = "") -> str:
    label = f"{say(f'memory.part.{name}')} <small>{remark}</small>" if remark else say(f"memory.part.{name}")
    return f'<li><i class="{name}">{number}</i><span>{label}</span><b>{size(held)}</b></li>'


def measured(say: Say, name: str, held: MeasuredMemory, info: MemoryInfo | None) -> str:
    """What a run really held beside what is estimated for its config, if that can still be done."""
    peak = size(held.peak)
    if info is None:
        return note(say("memory.measured_only", name=name, peak=peak))
    return note(say("memory.measured", name=name, peak=peak, estimate=size(info.total)))
