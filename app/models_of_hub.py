"""Good first models of the hub as the page shows them: a line in the menu, a card, and a table of all."""

from app.markup import link, safe, size
from app.words import Say
from engine.models.menu import MenuModel, Offer

HUB = "https://huggingface.co"


def choice(say: Say, offer: Offer) -> str:
    """How a model that is not here reads in the menu of models."""
    return say("train.menu.choice", title=offer.model.name.split("/")[-1], size=size(offer.model.size_bytes))


def offer_card(say: Say, offer: Offer) -> str:
    """What a model that is not here is for, how large it is, and whether this machine bears it."""
    model = offer.model
    facts = say(
        "train.menu.facts",
        millions=f"{model.parameters / 1e6:,.1f}",
        size=size(model.size_bytes),
        family=model.family,
        licence="{licence}",
    )
    facts = safe(facts).replace("{licence}", _licence(say, model))
    return (
        f'<div class="gl-card"><p>{safe(say.of(model.about))}</p><p class="gl-fact">{facts} · '
        f"{safe(say(f'train.fit.{offer.fit}'))}</p></div>"
    )


def menu_table(say: Say, offers: list[Offer]) -> str:
    """All of them, with what is on this machine already."""
    head = "".join(
        f"<th>{safe(say(key))}</th>"
        for key in ("train.menu", "train.menu.about", "train.models.size", "train.menu.licence", "train.models.source")
    )
    return (
        f'<div class="gl-table-frame gl-menu"><table class="gl-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(_row(say, offer) for offer in offers)}</tbody></table></div>"
    )


def _row(say: Say, offer: Offer) -> str:
    where = say("train.menu.here") if offer.here else say(f"train.fit.{offer.fit}")
    if offer.kept_bytes:
        where += f" · {say('train.menu.part', part=size(offer.kept_bytes))}"
    cells = (safe(say.of(offer.model.about)), size(offer.model.size_bytes), _licence(say, offer.model), safe(where))
    name = link(f"{HUB}/{offer.model.name}", offer.model.name)
    return f"<tr><td>{name}</td>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _licence(say: Say, model: MenuModel) -> str:
    """A licence, and where its terms are accepted before the hub gives the model away."""
    if not model.gated:
        return safe(model.licence)
    return link(f"{HUB}/{model.name}", say("train.menu.gated", licence=model.licence))
