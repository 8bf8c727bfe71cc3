"""Places to eat and drink in the town, posts that people write about them, and what the town office replies."""

import random
from dataclasses import dataclass

NAMES = [
    "The Blue Door",
    "The Old Oven",
    "Lantern House",
    "The Green Kettle",
    "Harbour Grill",
    "The Silver Spoon",
    "Corner Table",
    "Oak Hall",
    "The Red Lion",
    "Mill Kitchen",
    "Sunny Side",
    "The Quiet Cup",
    "River Garden",
    "The Copper Pot",
    "North Star",
    "The Little Fork",
    "Bridge Inn",
    "The Yellow Chair",
    "Castle Cellar",
    "The Happy Goose",
    "Starbucks",
    "Plum Tree",
    "The Tall Ship",
    "Market Bar",
]
TYPES = ["coffee shop", "restaurant", "pub", "tea house", "bakery", "wine bar"]
FOODS = ["soup", "pasta", "fish", "cakes", "curry", "sandwiches", "burgers", "salads"]
PRICES = ["cheap", "expensive", "moderate"]
AREAS = ["by the river", "in the old town", "near the station", "at the harbour", "on the hill"]

THINGS = [
    "the bus",
    "the train",
    "my order",
    "the internet",
    "the street light",
    "the parcel",
    "the heating",
    "the park",
    "the library",
    "the new bridge",
    "the swimming pool",
    "the bakery",
    "the phone line",
    "the water",
    "the market",
    "the ferry",
]
GRUMBLES = [
    "{thing} is late again and nobody tells us why",
    "{thing} has been broken for {days} days, please fix it",
    "I have waited {days} days and {thing} still does not work",
    "why is {thing} so bad, I want my money back",
    "very disappointed with {thing}, nobody answers my calls",
    "{thing} failed again today, this is not acceptable",
    "still no help with {thing} after {days} days",
]
PRAISES = [
    "{thing} was lovely today, thank you all",
    "what a good morning, {thing} is better than ever",
    "just saw {thing} and it made me smile",
    "thanks for {thing}, it works very well",
    "does anyone know when {thing} opens tomorrow?",
    "walked past {thing} with friends, a nice day",
    "happy to say that {thing} is perfect after {days} days of work",
]


@dataclass(frozen=True, slots=True)
class Place:
    """A place to eat or drink."""

    name: str
    kind: str
    food: str
    price: str
    area: str

    def record(self) -> str:
        """Its line in the town's register."""
        return f"name: {self.name} | type: {self.kind} | food: {self.food} | price: {self.price} | area: {self.area}"

    def sentence(self) -> str:
        """The one sentence that says it all."""
        article = "an" if self.price[0] in "aeiou" else "a"
        return f"{self.name} is {article} {self.price} {self.kind} {self.area} that serves {self.food}."


def draw_place(rng: random.Random) -> Place:
    """Any combination of name, type, food, price and area."""
    return Place(*(rng.choice(pool) for pool in (NAMES, TYPES, FOODS, PRICES, AREAS)))


def draw_post(rng: random.Random, *, complaint: bool) -> str:
    """A short post, a complaint or not."""
    post = rng.choice(GRUMBLES if complaint else PRAISES)
    return post.format(thing=rng.choice(THINGS), days=rng.randint(2, 30))


def draw_reply(rng: random.Random, *, complaint: bool) -> str:
    """What the town office answers: it is sorry about complaints and glad about everything else."""
    if complaint:
        return rng.choice(["The town office is sorry.", "The town office says sorry and will look into it."])
    return rng.choice(["The town office is glad.", "The town office is glad and says thank you."])
