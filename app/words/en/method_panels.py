"""Words of Watch: the views of what single methods do."""

WORDS = {
    "watch.ranks.title": "Where do the ranks go?",
    "watch.ranks.term": "ranks that AdaLoRA leaves",
    "watch.ranks.caption": (
        "The number of directions that each update has left after the last cut. All of them compete for one budget, "
        "which shrinks until the last phase."
    ),
    "watch.ranks.label": "Ranks: layers from below, weights from left to right. Arrow keys move the pick.",
    "watch.ranks.strip": "Every rank, step by step",
    "watch.ranks.mean": "Mean rank {value} at step {step}. Point at a cell; click to keep it.",
    "watch.ranks.cell": "Layer {layer}, {column}: rank {value}",
    "watch.prompt.title": "What do the virtual tokens say?",
    "watch.prompt.term": "nearest vocabulary entries of a soft prompt",
    "watch.prompt.caption": (
        "The nearest word is often not near: a cosine below the usual one means that the vector lies between "
        "words, and reading it as that word is a guess."
    ),
    "watch.prompt.token": "#",
    "watch.prompt.token.title": "Virtual token",
    "watch.prompt.norm": "norm",
    "watch.prompt.norm.title": "Length of the vector; the mark is a usual word's length",
    "watch.prompt.drift": "drift",
    "watch.prompt.drift.title": "Distance from where it started",
    "watch.prompt.words": "nearest words (cosine)",
    "watch.prompt.words.title": "The three whole words of the vocabulary with the highest cosine",
    "watch.prompt.usual": "a usual word: {value}",
    "watch.prompt.strides": "How far the encoder moves the virtual tokens from one frame to the next",
    "watch.prompt.at": (
        "Step {step}. A usual word has norm {norm} and a cosine of {cosine} to its own nearest neighbour."
    ),
    "watch.trigger.title": "Which words does the search find?",
    "watch.trigger.term": "trigger tokens, HotFlip's estimate",
    "watch.trigger.caption": (
        "The estimate follows the gradient in a straight line, and another word is a long way off: it finds "
        "candidates, and only the measurement on fresh rows decides. A lower loss there may still be luck; the "
        "validation tells."
    ),
    "watch.trigger.start": "Step {step}: the trigger as the search begins.",
    "watch.trigger.taken": (
        "Step {step}, word {place}: {before} gives way to {after}. Estimated {predicted} nats, measured {actual}."
    ),
    "watch.trigger.kept": "Step {step}, word {place}: {before} stays, no candidate lowers the loss of {loss} nats.",
    "watch.trigger.same": "Typed, this text becomes these very tokens.",
    "watch.trigger.other": "Typed, this text becomes other tokens than these.",
    "watch.trigger.copy": "Copy",
    "watch.trigger.copied": "Copied",
    "watch.trigger.label": (
        "Change of the loss by each candidate: estimated from left to right, measured from bottom to top"
    ),
    "watch.trigger.dots": "Change of the loss: estimated (→) and measured (↑), in nats",
    "watch.trigger.earlier": "earlier steps",
    "watch.trigger.now": "this step",
    "watch.trigger.candidate": "candidate",
    "watch.trigger.candidate.title": "Words with the best estimates for this place",
    "watch.trigger.predicted": "estimated",
    "watch.trigger.predicted.title": "Change of the loss that the gradient predicts, in nats",
    "watch.trigger.actual": "measured",
    "watch.trigger.actual.title": "Change of the loss on fresh rows, in nats",
    "watch.trigger.step": "step",
    "watch.trigger.step.title": "Step after which these words stood there",
    "watch.trigger.words": "words",
    "watch.trigger.words.title": "The trigger; the word that is new is marked",
    "watch.trigger.loss": "loss",
    "watch.trigger.loss.title": "Mean loss on that step's fresh rows",
    "watch.adapters.title": "How much does each adapter change what passes through?",
    "watch.adapters.term": "relative size of the adapters' outputs",
    "watch.adapters.caption": (
        "A large change is not an important one: switch layers off below and see what that costs. Only one "
        "sentence is measured."
    ),
    "watch.adapters.label": (
        "Change by each adapter: layers from below, and where in a layer. Arrow keys move the pick."
    ),
    "watch.adapters.bars": "inactive",
    "watch.adapters.part.attention": "after attention",
    "watch.adapters.part.mlp": "after the MLP",
    "watch.adapters.part.parallel": "beside the MLP",
    "watch.adapters.strip": "Every adapter's change, step by step",
    "watch.adapters.mean": (
        "Mean |A(h) − h| / |h| {value} at step {step}; {asleep} % of the bottleneck's units are inactive. "
        "Point at a cell; click to keep it."
    ),
    "watch.adapters.cell": (
        "Layer {layer}, {column}: |A(h) − h| / |h| = {value}; {asleep} % of its units are inactive (no token "
        "of the sentence activates them)"
    ),
    "watch.prefix.title": "How far does the prefix travel, and in what strides?",
    "watch.prefix.term": "norm of the prefix and of its steps",
    "watch.prefix.caption": (
        "A longer way is not a better one: an MLP makes larger strides at the same learning rate, too large "
        "ones at a high rate. The loss tells which. Train again without it, and compare."
    ),
    "watch.prefix.moved": "way from the start",
    "watch.prefix.norm": "size",
    "watch.prefix.other": "way of {name}",
    "watch.prefix.way": "Size of the prefix and its way from the start, step by step",
    "watch.prefix.strides": "Stride of one update, step by step",
    "watch.prefix.layer": "layer",
    "watch.prefix.keys": "keys",
    "watch.prefix.keys.title": "Norm of the keys in front of this layer's text",
    "watch.prefix.values": "values",
    "watch.prefix.values.title": "Norm of the values in front of this layer's text",
    "watch.prefix.at": (
        "Step {step}: the prefix has size {norm} and is {moved} away from its start; one update moves it by {stride}."
    ),
    "watch.experts.title": "Who had a turn, and are they becoming one?",
    "watch.experts.term": "stochastic routing and the experts' similarity",
    "watch.experts.caption": (
        "Nobody chooses an expert: chance does. Different counts are chance, not skill; chi-square says how much of it."
    ),
    "watch.experts.pool.down": "Draws of each expert that goes down",
    "watch.experts.pool.up": "Draws of each expert that goes up",
    "watch.experts.label": "Draws: layers from below, experts from left to right. Arrow keys move the pick.",
    "watch.experts.bars": "alike",
    "watch.experts.counts": "How often each expert was drawn",
    "watch.experts.expert": "expert {expert}",
    "watch.experts.strip": "Every expert's draws, step by step",
    "watch.experts.cosines": "How alike the experts of each layer are: 0 unrelated, 1 the same",
    "watch.experts.mean": (
        "Mean {value} draws at step {step}; chi-square {chi} (chance makes about {usual}); cosine between "
        "experts {cosine}."
    ),
    "watch.experts.cell": (
        "Layer {layer} {target}, {column}: {value} draws; chi-square {chi} (chance makes about {usual}); "
        "cosine {cosine}"
    ),
    "watch.masks.title": "Which weights are switched off?",
    "watch.masks.term": "sparsity of the binary masks",
    "watch.masks.caption": (
        "Off is not useless: the base may need that weight for something else, see forgetting. The scores "
        "are a fixed sample, and their size says only how far a weight is from flipping."
    ),
    "watch.masks.label": (
        "Share of each matrix that is switched off: layers from below, matrices from left to right. Arrow "
        "keys move the pick."
    ),
    "watch.masks.flipped": "what changed",
    "watch.masks.flipped.title": "Show the share that is not as it was at the start, instead of the share that is off",
    "watch.masks.strip": "Every matrix, step by step",
    "watch.masks.scores": (
        "Scores of a sample of weights: below the threshold a weight is off (slate), above it is on (amber)"
    ),
    "watch.masks.mean": "Step {step}: {off} % of the weights are off, {changed} % are not as they were at the start.",
    "watch.masks.cell": "Layer {layer}, {column}: {off} % are off, {changed} % are not as they were at the start",
    "watch.side.title": "How much does the base still say?",
    "watch.side.term": "blending weight σ(α)",
    "watch.side.caption": (
        "A share says nothing about who is right: the side network may speak softly and still decide. Below, "
        "only one sentence is asked."
    ),
    "watch.side.share": "Weight of the base in the blend, σ(α), step by step",
    "watch.side.agree": "Share of the tokens after which each alone says the same as the blend",
    "watch.side.base": "base",
    "watch.side.network": "side network",
    "watch.side.at": "Step {step}: the base has {share} % of the blend; gradient of α {grad}.",
    "watch.side.blend": (
        "Step {step}: alone, the base would say the same after {base} % of the tokens, the side network "
        "after {side} %. Its states are {ratio} times as large as the base's, cosine {cosine}."
    ),
    "watch.ladder.title": "Where does the ladder take hold?",
    "watch.ladder.term": "gates of the side network",
    "watch.ladder.caption": (
        "A rung that takes much from the base need not matter for the answer: the next rungs may overwrite it."
    ),
    "watch.ladder.kept": "μ: what the side network keeps of its own, 0 to 1",
    "watch.ladder.fresh": "What share of its state is fresh from the base, 0 to 1",
    "watch.ladder.gate": "μ",
    "watch.ladder.share": "fresh",
    "watch.ladder.kept.label": "Gates of the ladder, layers from below. Arrow keys move the pick.",
    "watch.ladder.kept.strip": "Every gate, step by step",
    "watch.ladder.kept.mean": "Mean μ {value} at step {step}.",
    "watch.ladder.kept.cell": "Layer {layer}: keeps {value} of its own state; gradient {grad}",
    "watch.ladder.fresh.label": "Share that is fresh from the base, layers from below. Arrow keys move the pick.",
    "watch.ladder.fresh.strip": "Every rung, step by step",
    "watch.ladder.fresh.mean": (
        "Mean {value} at step {step}; what the ladder adds at the end is {added} of the base's last state."
    ),
    "watch.ladder.fresh.cell": (
        "Layer {layer}: {value} of the mixed state is fresh from the base; at the end the ladder adds {added}"
    ),
    "watch.routes.title": "One route, or the average of all?",
    "watch.routes.term": "merged experts against random routes",
    "watch.routes.caption": (
        "The average was never trained: no step of training used it. That it answers as well as its parts is "
        "the claim of the paper; the picture shows one validation set."
    ),
    "watch.routes.label": "Validation loss of random routes, of single experts and of their average",
    "watch.routes.compute": "ask all routes",
    "watch.routes.waiting": "Asking sixteen random routes …",
    "watch.routes.invite": "Press the button to compare random routes, single experts and their average.",
    "watch.routes.random": "random routes",
    "watch.routes.expert": "one expert everywhere",
    "watch.routes.average": "average of all",
    "watch.routes.told": (
        "Validation loss in nats/token: {average} for the average, {random} for {n} random routes on average, "
        "{best} for the best single expert."
    ),
}
