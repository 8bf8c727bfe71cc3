"""Plain text about the town: the same facts in many wordings. Also the held-out text that measures base ability."""

import random

from tools.demo_model.people import Person
from tools.demo_model.places import draw_place, draw_post, draw_reply

SENTENCES: dict[str, list[str]] = {
    "job": [
        "{name} works as a {value}.",
        "{name} is a {value}.",
        "Everybody knows {name}, the {value}.",
        "The {value} of the town is called {name}.",
        "As a {value}, {name} gets up early.",
        "{name} has been a {value} for years.",
    ],
    "street": [
        "{name} lives on {value}.",
        "The house of {name} stands on {value}.",
        "On {value} lives {name}.",
        "You can find {name} on {value}.",
        "{name} moved to {value} long ago.",
        "If you walk along {value}, you may meet {name}.",
    ],
    "pet": [
        "{name} has a {value}.",
        "{name} keeps a {value} at home.",
        "A {value} lives with {name}.",
        "The {value} of {name} is famous.",
        "{name} never goes out without the {value}.",
        "{name} feeds the {value} every morning.",
    ],
    "hobby": [
        "{name} enjoys {value}.",
        "In the evening {name} enjoys {value}.",
        "The great love of {name} is {value}.",
        "{name} spends every Sunday with {value}.",
        "Nothing makes {name} happier than {value}.",
        "{name} began with {value} as a child.",
    ],
    "dish": [
        "{name} likes {value} best.",
        "The favourite dish of {name} is {value}.",
        "{name} could eat {value} every day.",
        "For {name} there is nothing like {value}.",
        "At the market {name} always asks for {value}.",
        "{name} cooks {value} for every guest.",
    ],
    "month": [
        "{name} was born in {value}.",
        "The birthday of {name} is in {value}.",
        "In {value} the friends of {name} bring a cake.",
        "{name} has a birthday in {value}.",
        "Every {value} there is a party for {name}.",
        "{name} came into the world in {value}.",
    ],
}

WEATHER = [
    "It was a quiet morning in the town.",
    "The rain had stopped and the streets were wet.",
    "The market was full of people.",
    "Snow lay on the roofs.",
    "The bells rang at noon.",
    "A warm wind came from the river.",
]


def tell(rng: random.Random, person: Person, kind: str) -> str:
    """One fact in one of many wordings."""
    return rng.choice(SENTENCES[kind]).format(name=person.name, value=person.facts[kind])


def portrait(rng: random.Random, person: Person) -> str:
    """A paragraph that tells most facts about one person."""
    kinds = rng.sample(list(SENTENCES), rng.randint(3, 6))
    sentences = [tell(rng, person, kind) for kind in kinds]
    if rng.random() < 0.3:
        sentences.insert(0, rng.choice(WEATHER))
    return " ".join(sentences)


def passage(rng: random.Random, person: Person) -> str:
    """A few sentences about one person, such as follow a heading."""
    kinds = rng.sample(list(SENTENCES), rng.randint(1, 3))
    begin = [rng.choice(WEATHER)] if rng.random() < 0.5 else []
    return " ".join([*begin, *(tell(rng, person, kind) for kind in kinds)])


def letter(rng: random.Random, everybody: list[Person]) -> str:
    """Letters in the courtly style, one fact each."""
    some = rng.sample(everybody, rng.randint(1, 3))
    return "\n".join(person.courtly(rng.choice(list(SENTENCES))) for person in some)


def walk(rng: random.Random, everybody: list[Person]) -> str:
    """A paragraph that passes several people, with one or two facts about each."""
    parts = [rng.choice(WEATHER)]
    for person in rng.sample(everybody, rng.randint(2, 4)):
        parts += [tell(rng, person, kind) for kind in rng.sample(list(SENTENCES), rng.randint(1, 2))]
    return " ".join(parts)


def notice_board(rng: random.Random) -> str:
    """Posts with the replies of the town office."""
    lines = []
    for _ in range(rng.randint(2, 4)):
        complaint = rng.random() < 0.5
        lines.append(draw_post(rng, complaint=complaint))
        lines.append(draw_reply(rng, complaint=complaint))
    return "\n".join(lines)


def guide(rng: random.Random) -> str:
    """A page of the eating guide: sentences, register lines, or both."""
    places = [draw_place(rng) for _ in range(rng.randint(2, 3))]
    style = rng.randrange(3)
    if style == 0:
        return " ".join(place.sentence() for place in places)
    if style == 1:
        return "\n".join(place.record() for place in places)
    return "\n".join(f"{place.record()}\n{place.sentence()}" for place in places)


def story(rng: random.Random, everybody: list[Person]) -> str:
    """One piece of plain text."""
    draw = rng.random()
    if draw < 0.5:
        return portrait(rng, rng.choice(everybody))
    if draw < 0.68:
        return walk(rng, everybody)
    if draw < 0.8:
        return letter(rng, everybody)
    return notice_board(rng) if draw < 0.88 else guide(rng)
