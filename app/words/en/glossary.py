"""The few words of the field that the page cannot do without, each explained in a sentence."""

WORDS = {
    "glossary.base.word": "base",
    "glossary.base": "The pre-trained model as it was: every one of its numbers stays frozen.",
    "glossary.trains.word": "Trains",
    "glossary.trains": "New numbers that learn. The base's own numbers stay frozen and are only counted for scale.",
    "glossary.strength.word": "adapter strength",
    "glossary.strength": "How loudly the tuned part speaks: 0 is the base, 1 the trained model, 2 twice as loud.",
    "glossary.nats.word": "nats",
    "glossary.nats": (
        "KL divergence of the tuned model's next-token probabilities from the base's, averaged over the answer: "
        "0 means that tuning changes nothing here."
    ),
    "glossary.label.word": "learns to say",
    "glossary.label": "Tokens that carry a label: the loss is computed on these.",
    "glossary.masked.word": "only reads",
    "glossary.masked": "Masked tokens: the model sees them, but no loss is computed on them.",
}
