"""Words of the active run on Runs: the machine, and the log."""

WORDS = {
    "activity.title": "Active run: {name}",
    "activity.memory": "Memory {used} GiB, {free} of {total} GiB free",
    "activity.cpu": "CPU {share} %",
    "activity.gpu": "GPU {used} of {total} GiB",
    "activity.log": "Log",
    "activity.save": "Save the log",
    "activity.line": "step {step}: {text}",
    "activity.started": "began at {at}, {steps} steps, {n} of {total} parameters train",
    "activity.loss": "loss {loss} nats/token, learning rate {lr}, {speed} tokens/s, {time} of training",
    "activity.eval": "validation loss {loss} nats/token",
    "activity.ability": "loss on plain text {loss} nats/token",
    "activity.sample": "answers “{text}”",
}
