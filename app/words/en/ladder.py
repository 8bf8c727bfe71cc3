"""Words of the learning-rate ladder."""

WORDS = {
    "ladder.ask": "Which rate? · learning-rate ladder",
    "ladder.title": "Which learning rate? · learning-rate ladder",
    "ladder.stop": "Stop",
    "ladder.use": "Put the best on the form",
    "ladder.close": "Hide",
    "ladder.waiting": "{of} rates are in the queue; they begin when their turn comes.",
    "ladder.running": "{n} of {of} rates are still in: the better half goes on at each dotted line.",
    "ladder.best": "{rate} is the best rate here; the usual one of {method} is {usual}.",
    "ladder.best.usual": "{rate} is the best rate here, as is usual for {method}.",
    "ladder.stopped": "The ladder was stopped; what its runs have learnt is on Runs.",
    "ladder.failed": "No rate gave a finite loss: look at the runs on Runs.",
    "ladder.state.waiting": "waits, at step {step}",
    "ladder.state.running": "trains, step {step}",
    "ladder.state.out": "out at step {step}",
    "ladder.state.best": "best",
    "ladder.state.done": "to the end",
    "ladder.forgets": "forgetting {value}",
    "ladder.x": "step",
    "ladder.y": "validation loss, nats/token (log)",
    "ladder.caption": (
        "The same data, batches and seed for all; each is a run on Runs. Beside each rate: its newest validation loss, "
        "and its forgetting in nats/token of plain text. A ladder is shorter than a whole run: a large rate gains "
        "early and may forget much more."
    ),
    "ladder.filled": "Learning rate {rate} is on the form.",
    "ladder.other": "That ladder was for {method} on {model}: choose them first.",
}
