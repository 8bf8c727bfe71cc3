"""Words of the queue of runs."""

WORDS = {
    "queue.title": "In the queue",
    "queue.hint": "They train one after another, also when no page is open. Drag a run, or use its arrows.",
    "queue.now": "trains now",
    "queue.next": "begins next",
    "queue.in": "begins in about {left}",
    "queue.after": "begins after {n} others",
    "queue.steps": "{n} steps",
    "queue.until": "to step {until} of {n}",
    "queue.failed": "could not begin: {message}",
    "queue.up": "Move {name} up",
    "queue.down": "Move {name} down",
    "queue.remove": "Take {name} out of the queue",
    "queue.owner": "of {owner}",
    "queue.moved": "{name} is at place {place} now.",
}
