"""The model as a picture, from text to answer: what a method adds or changes is lit."""

from collections.abc import Iterable, Mapping

from app.words import Say
from engine.methods.spec import Place

WIDTH, HEIGHT = 264, 312
CHIPS = (
    *(("q", 36, 182, 34), ("k", 76, 182, 34), ("v", 116, 182, 34), ("o", 156, 182, 34)),
    *(("gate", 36, 98, 48), ("up", 89, 98, 48), ("down", 142, 98, 48)),
)
"""Linears of a layer: name, left, top, width."""
NORMS = ((36, 211, 154), (36, 126, 154), (72, 23, 82))
"""Left, top and width of the norms: before attention, before the MLP, and the last one."""
ADAPTERS = {"after_attention": 146, "after_mlp": 62}
"""Top of what comes after a sub-layer."""
NAMES: Mapping[str, str] = {
    "after_attention": "adapter", "after_mlp": "adapter", "beside_mlp": "parallel",
    "reads_embedding": "beside", "reads_layers": "beside",
}  # fmt: skip
"""Words of places that are not called by their own name."""
READS = {"reads_embedding": "M206 264h24", "reads_layers": "M206 246h24M206 150h24M206 76h24"}
"""What a network beside the model takes from it."""


def diagram(say: Say, places: Iterable[Place]) -> str:
    """The model with the places lit where a method acts; what only some methods have is drawn for them alone."""
    lit: dict[str, str] = dict.fromkeys(places, " lit")
    chips = "".join(_part(lit.get(name, ""), name, x, y, w, 20) for name, x, y, w in CHIPS)
    norms = "".join(_part(lit.get("norm", ""), say("train.part.norm"), x, y, w, 16) for x, y, w in NORMS)
    adapters = "".join(
        _part(" lit", say("train.part.adapter"), 76, y, 74, 14) for place, y in ADAPTERS.items() if place in lit
    )
    if "beside_mlp" in lit:
        adapters += _parallel(say)
    dots = {part: _dots(8, y) for part, y in (("attention", 168), ("embedding", 250))}
    return (
        f'<svg class="gl-diagram" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" tabindex="0" '
        f'aria-label="{say("train.where")}: {", ".join(_named(say, lit))}">'
        f'<text class="end" x="113" y="12">{say("train.part.answer")}</text>'
        '<path d="M113 17v6M113 39v11M113 232v14M113 282v14"/>'
        '<rect class="layer" x="20" y="50" width="186" height="182" rx="8"/>'
        '<text class="times" x="206" y="44">× L</text>'
        f'<text class="name" x="36" y="92">{say("train.part.mlp")}</text>'
        f'<g class="part{lit.get("attention", "")}"><rect x="28" y="162" width="170" height="46" rx="6"/>'
        f'<text class="name" x="36" y="176">{say("train.part.attention")}</text></g>{chips}{norms}'
        f"{adapters}{''.join(_beside(say, READS[place]) for place in READS if place in lit)}"
        f"{''.join(dots[part] for part in dots if part in lit)}"
        f"{_part(lit.get('embedding', ''), say('train.part.embedding'), 20, 246, 186, 36)}"
        f'<text class="end" x="113" y="308">{say("train.part.text")}</text></svg>'
    )


def _named(say: Say, places: Iterable[str]) -> list[str]:
    """What places are called, each once."""
    keys = {place: f"train.part.{NAMES.get(place, place)}" for place in places}
    return list(dict.fromkeys(say(key) if key in say else place for place, key in keys.items()))


def _part(kind: str, name: str, x: int, y: int, width: int, height: int) -> str:
    """A box with its name in the middle."""
    return (
        f'<g class="part{kind}"><rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4"/>'
        f'<text x="{x + width / 2:g}" y="{y + height / 2 + 4:g}">{name}</text></g>'
    )


def _parallel(say: Say) -> str:
    """A bottleneck from what the MLP reads to what comes out of it."""
    return (
        f'<path class="reads" d="M113 122h85v-6M198 78v-9h-40"/><g class="part lit">'
        f'<rect x="192" y="78" width="12" height="38" rx="4"/><title>{say("train.part.parallel")}</title></g>'
    )


def _beside(say: Say, reads: str) -> str:
    """A small network of its own that reads states of the model and speaks at the end."""
    return (
        f'<path class="reads" d="{reads}M243 50v-18h-89"/>'
        '<g class="part lit"><rect x="230" y="50" width="26" height="232" rx="6"/>'
        f'<text transform="translate(247 166) rotate(-90)" x="0" y="0">{say("train.part.beside")}</text></g>'
    )


def _dots(x: int, y: int) -> str:
    """New vectors beside the part that reads them."""
    return "".join(f'<circle class="new" cx="{x}" cy="{y + 9 * n}" r="3"/>' for n in range(4))
