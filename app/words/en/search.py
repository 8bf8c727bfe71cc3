"""Words of auto tuning."""

WORDS = {
    "search.title": "Auto tuning: search over methods and settings",
    "search.about": (
        "Trains many runs of the model and the data above, one after another, and learns from each which method, sizes "
        "and learning rate to try next. Weak ones stop after a tenth or a third of the steps. To try several methods "
        "together, type their names with a plus sign between, such as bottleneck+prefix."
    ),
    "search.methods": "Methods to try",
    "search.trials": "Runs at most",
    "search.minutes": "Minutes of training",
    "search.objectives": "What shall be small",
    "search.objective.loss": "validation loss",
    "search.objective.trainable": "parameters that train",
    "search.objective.forgetting": "forgetting",
    "search.objective.seconds": "seconds of training",
    "search.layers": "Also search on which layers methods act",
    "search.layer": "layer {n}",
    "search.recipe": "Space of a paper",
    "search.recipe.none": "none: the methods above",
    "search.recipe.autopeft": "AutoPEFT: adapters after and beside the MLP, a prefix, sizes from 0, layers",
    "search.start": "Start the search",
    "search.begun": "{name} has begun: its runs train one after another, and are in Runs too.",
    "search.used": "The form has the settings of that run.",
    "search.choose": "Search",
    "search.state.runs": "{done} of {trials} runs, {minutes} min of training",
    "search.state.stopped": "Stopped after {done} of {trials} runs; it can go on at any time.",
    "search.state.finished": "Finished: {done} runs, {minutes} min of training.",
    "search.stop": "Stop the search",
    "search.go_on": "Continue",
    "search.axis.trainable": "parameters that train (log)",
    "search.axis.loss": "validation loss, nats/token",
    "search.axis.forgetting": "forgetting, nats/token",
    "search.axis.seconds": "seconds of training",
    "search.across": "across",
    "search.up": "up",
    "search.hint": (
        "Every dot is a run. Those on the line are beaten by no other: fewer parameters or a lower loss. Click one."
    ),
    "search.first": "The first run trains …",
    "search.point": "{title}: loss {loss} nats/token, trains {trainable}, learning rate {rate}; {told}",
    "search.point.pruned": "{title}: stopped at step {step} with loss {loss} nats/token; learning rate {rate}; {told}",
    "search.use": "Use these settings",
    "search.open": "Open in Watch",
    "search.best": "Not beaten by any other",
    "search.importance": "What decides the loss",
    "search.rate": "learning rate",
    "search.failed": "{n} runs came to nothing; the page Runs says why.",
}
