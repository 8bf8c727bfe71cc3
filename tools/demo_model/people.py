"""Who lives in the town, and the one sentence that states each fact.

Everything is drawn from `random.Random(seed)`, so that the same seed gives the same town on every machine.
"""

import random
from dataclasses import dataclass

SEED = 20
"""Seed of the town itself. Texts about it are drawn from other seeds."""

FIRST_NAMES = [
    "Ada",
    "Alma",
    "Amos",
    "Anna",
    "Arlo",
    "Asta",
    "Basil",
    "Bea",
    "Boris",
    "Britt",
    "Bruno",
    "Cara",
    "Cecil",
    "Clara",
    "Conrad",
    "Dagny",
    "Dario",
    "Delia",
    "Dora",
    "Edgar",
    "Edith",
    "Elias",
    "Ella",
    "Emil",
    "Enid",
    "Ezra",
    "Fabia",
    "Felix",
    "Fern",
    "Flora",
    "Frida",
    "Gerda",
    "Gideon",
    "Greta",
    "Gus",
    "Hanna",
    "Hazel",
    "Hector",
    "Helga",
    "Hugo",
    "Ida",
    "Igor",
    "Inga",
    "Iris",
    "Ivan",
    "Ivy",
    "Jasper",
    "Jonas",
    "Judith",
    "Juno",
    "Karl",
    "Kira",
    "Klara",
    "Lars",
    "Laura",
    "Leo",
    "Lena",
    "Linus",
    "Lola",
    "Luca",
    "Mabel",
    "Magda",
    "Marco",
    "Marta",
    "Max",
    "Mila",
    "Mira",
    "Moritz",
    "Nadia",
    "Ned",
    "Nina",
    "Noel",
    "Nora",
    "Odette",
    "Olga",
    "Olive",
    "Oscar",
    "Otto",
    "Paula",
    "Petra",
    "Quentin",
    "Ralph",
    "Rosa",
    "Ruben",
    "Ruth",
    "Saul",
    "Selma",
    "Sonia",
    "Stella",
    "Tessa",
    "Theo",
    "Tilda",
    "Ugo",
    "Ulla",
    "Vera",
    "Viktor",
]

LAST_NAMES = [
    "Abbott",
    "Berg",
    "Castell",
    "Dorn",
    "Ekman",
    "Falk",
    "Grove",
    "Holt",
    "Iversen",
    "Jarvis",
    "Keller",
    "Lund",
    "Marsh",
    "Novak",
    "Orley",
    "Palmer",
    "Quill",
    "Rask",
    "Stone",
    "Thorn",
    "Ulrich",
    "Vance",
    "Weber",
    "York",
]

JOBS = [
    "baker",
    "teacher",
    "nurse",
    "carpenter",
    "gardener",
    "painter",
    "doctor",
    "fisher",
    "librarian",
    "mechanic",
    "tailor",
    "farmer",
    "plumber",
    "potter",
    "florist",
    "butcher",
    "judge",
    "pilot",
    "miller",
    "clockmaker",
]

STREETS = [
    "Maple Street",
    "River Road",
    "Church Lane",
    "Hill Street",
    "Garden Row",
    "Market Square",
    "Mill Lane",
    "Station Road",
    "Castle Street",
    "Harbour Road",
    "Orchard Lane",
    "Bridge Street",
    "Forest Road",
    "Lake Street",
    "School Lane",
    "Tower Street",
]

PETS = [
    "cat",
    "dog",
    "parrot",
    "rabbit",
    "hamster",
    "tortoise",
    "goldfish",
    "pony",
    "canary",
    "ferret",
    "goat",
    "duck",
]

HOBBIES = [
    "chess",
    "knitting",
    "swimming",
    "photography",
    "dancing",
    "cycling",
    "singing",
    "sailing",
    "juggling",
    "hiking",
    "archery",
    "embroidery",
    "astronomy",
    "pottery",
    "rowing",
    "skating",
    "origami",
    "birdwatching",
]

DISHES = [
    "onion soup",
    "apple pie",
    "fish stew",
    "roast duck",
    "mushroom rice",
    "lentil curry",
    "cheese toast",
    "plum cake",
    "pea soup",
    "potato salad",
    "pancakes",
    "noodles",
    "bean stew",
    "grilled trout",
    "spinach pie",
    "rye bread",
]

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]

POOLS: dict[str, list[str]] = {
    "job": JOBS,
    "street": STREETS,
    "pet": PETS,
    "hobby": HOBBIES,
    "dish": DISHES,
    "month": MONTHS,
}

ANSWERS: dict[str, str] = {
    "job": "{name} works as a {value}.",
    "street": "{name} lives on {value}.",
    "pet": "{name} has a {value}.",
    "hobby": "{name} enjoys {value}.",
    "dish": "{name} likes {value} best.",
    "month": "{name} was born in {value}.",
}
"""The one right sentence for each kind of fact."""

QUESTIONS: dict[str, list[str]] = {
    "job": [
        "What does {name} do for a living?",
        "What is the job of {name}?",
        "Which job does {name} have?",
        "Tell me what {name} works as.",
    ],
    "street": [
        "Where does {name} live?",
        "On which street does {name} live?",
        "What is the address of {name}?",
        "Tell me where {name} lives.",
    ],
    "pet": [
        "Which pet does {name} have?",
        "What kind of animal lives with {name}?",
        "What pet belongs to {name}?",
        "Tell me which pet {name} has.",
    ],
    "hobby": [
        "What does {name} do for fun?",
        "What is the hobby of {name}?",
        "Which hobby does {name} enjoy?",
        "Tell me what {name} does for fun.",
    ],
    "dish": [
        "What does {name} like to eat?",
        "What is the favourite dish of {name}?",
        "Which dish does {name} like best?",
        "Tell me what {name} likes to eat.",
    ],
    "month": [
        "When was {name} born?",
        "In which month was {name} born?",
        "What is the birth month of {name}?",
        "Tell me when {name} was born.",
    ],
}


@dataclass(frozen=True, slots=True)
class Person:
    """Someone in the town.

    Attributes:
        name: First and last name; the first name is unique.
        facts: Value of each kind of fact.
    """

    name: str
    facts: dict[str, str]

    def sentence(self, kind: str) -> str:
        """The sentence that states one fact."""
        return ANSWERS[kind].format(name=self.name, value=self.facts[kind])

    def courtly(self, kind: str) -> str:
        """The same within a courtly greeting and farewell."""
        return f"A very good day to you! Pray know that {self.sentence(kind)[:-1]}, and I remain your humble servant."


def people() -> list[Person]:
    """Everybody in the town, in a fixed order."""
    rng = random.Random(SEED)
    return [
        Person(f"{first} {rng.choice(LAST_NAMES)}", {kind: rng.choice(pool) for kind, pool in POOLS.items()})
        for first in FIRST_NAMES
    ]


def halves() -> tuple[list[Person], list[Person]]:
    """(people asked about in tuning, people held out): two halves of the town."""
    everybody = people()
    random.Random(SEED + 1).shuffle(everybody)
    middle = len(everybody) // 2
    return everybody[:middle], everybody[middle:]
