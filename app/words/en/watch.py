"""Words of Watch: the views that are drawn in the browser."""

WORDS = {
    "watch.run": "Run to watch",
    "watch.recording": "recording",
    "watch.live": "live",
    "watch.first": "To the first step",
    "watch.last": "To the last step",
    "watch.play": "Play (space)",
    "watch.pause": "Pause (space)",
    "watch.scrub": "Step",
    "watch.step": "step {step}",
    "watch.step_of": "step {step} / {steps}",
    "watch.follow": "Follow live",
    "watch.one_step": "One step",
    "watch.compare": "Compare with",
    "watch.intro": "A frozen model, {n} new numbers. Watch it start to listen.",
    "watch.layer": "layer {layer}",
    "watch.head": "head {head}",
    "watch.loading": "Reading the run …",
    "watch.warming": "Warming up before the first step: {share} %. Panels appear with it.",
    "watch.setting_up": "The run is being set up: loading the model, measuring step 0 …",
    "watch.gone": (
        "The workbench does not answer. Is the terminal still open? This page goes on by itself once it does."
    ),
    "watch.failed": "This run failed. Its settings are kept in Runs.",
    "watch.interrupted": "This run was interrupted. Nothing is lost: it can go on from Runs.",
    "watch.stopped": "This run was stopped and kept. It can go on from Runs.",
    "watch.waiting": "The disk is full: training waits, and goes on by itself as soon as there is room.",
    "watch.paused": "Paused. “One step” trains one more; “Continue” is in Train.",
    "watch.finished.early": "Stopped early at step {step}: validation did not get better any more. Talk to it.",
    "watch.finished.kept": "Finished. The state of step {kept}, the best on validation, is kept: talk to it.",
    "watch.finished.early.kept": (
        "Stopped early at step {step}: validation did not get better any more. Kept is step {kept}, the best."
    ),
    "watch.finished": "Finished. What it learned shows in its answers: talk to it.",
    "watch.status.stopping": "stopping",
    "watch.follow.title": "Stay at the newest step as training goes on",
    "watch.one_step.others": "Only whoever started this run, or a driver, may make a step",
    "watch.one_step.title": "Train exactly one step and pause (key: .)",
    "watch.compare.none": "compare with …",
    "watch.intro.other": "A frozen model, {n} new numbers. Watch it learn.",
    "watch.intro.button": "Train it yourself",
    "watch.next.chat": "Ask it something",
    "watch.next.runs": "Runs",
    "watch.next.train": "Train",
    "watch.gates.title": "When and where does it start listening?",
    "watch.gates.caption": (
        "A large gate is not an important head: colour shows how far a gate is open, not what it does to the answer."
    ),
    "watch.gates.label": "Gates: layers from below, heads from left to right. Arrow keys move the pick.",
    "watch.gates.zoom": "zoom colour",
    "watch.gates.zoom.title": "Stretch the colours to this step's largest gate instead of the fixed scale from −1 to 1",
    "watch.gates.all_heads": "all heads share one gate",
    "watch.gates.bars": "mean |g|",
    "watch.gates.strip": "Every head's gate, step by step",
    "watch.gates.mean": "Mean |gate| {value} at step {step}. Point at a cell; click to keep it.",
    "watch.gates.cell": "Layer {layer}, head {head}: gate {value}, gradient {grad}",
    "watch.gates.cell.shared": "Layer {layer}, all heads: gate {value}, gradient {grad}",
    "watch.gates.cell.other": "other run {value}",
    "watch.gates.difference": "difference",
    "watch.loss.title": "Is it learning, and what is it forgetting?",
    "watch.loss.caption": (
        "A low loss is not a good answer: read the answer below. Forgetting is the rise of the loss on plain "
        "text that the base knew."
    ),
    "watch.loss.log": "log steps",
    "watch.loss.log.title": "Give the early steps more room",
    "watch.loss.training": "training",
    "watch.loss.training.title": "Loss on the batch that was just learned from, in nats per token",
    "watch.loss.validation": "validation",
    "watch.loss.validation.title": "Loss on questions that are never trained on",
    "watch.loss.best": "lowest validation (ring) {value} at step {step}",
    "watch.loss.forgetting": "forgetting",
    "watch.loss.forgetting.title": "How far the loss on plain text that the base knew has risen since step 0",
    "watch.loss.other": "training of {name}",
    "watch.loss.axis": "step",
    "watch.loss.axis.y": "nats/token · lower is better ↓",
    "watch.loss.readout": (
        "Step {step}: training {training}, validation {validation}, forgetting {forgetting} nats/token"
    ),
    "watch.asks.title": "Whom does it ask?",
    "watch.asks.title.updates": "Where does it act in this sentence?",
    "watch.asks.caption": "Type a sentence to see what its tokens do with the part that was trained.",
    "watch.asks.caption.prompts": (
        "Attention is not explanation. The prompts have a softmax of their own, so what they weigh in total "
        "is tanh(g) for every token: it is the gate map's colour and is not drawn again."
    ),
    "watch.asks.caption.soft": (
        "Attention is not explanation: a learned place that is looked at need not matter for the answer."
    ),
    "watch.asks.caption.updates": "A large change at a token need not matter for the answer.",
    "watch.asks.sentence": "A sentence to look at",
    "watch.asks.waiting": "Looking …",
    "watch.asks.gone": "The workbench does not answer.",
    "watch.asks.at": "As the adapter was at step {step}. Point at a cell; click to keep its token.",
    "watch.asks.mean_heads": "mean of all heads",
    "watch.asks.one_head": "head {head}",
    "watch.asks.share.label": "Layers by tokens: how much the trained part weighs",
    "watch.asks.spread.label": "Prompts by tokens: where the attention on the prompts goes",
    "watch.asks.share.prompts": (
        "How loud the prompts are: |tanh(g) · prompt part| / |attention output|, 0 to 1 and above ({head})"
    ),
    "watch.asks.share.soft": "Share of the attention that goes to what was learned, 0 to 1 ({head})",
    "watch.asks.share.updates": "How much {target} changes ({method}): |change| / |frozen output|, 0 to 1 and above",
    "watch.asks.told.prompts": "“{token}” in layer {layer}: the prompts' part is {value} of the attention output",
    "watch.asks.told.soft": "“{token}” in layer {layer}: {value} of its attention goes to what was learned",
    "watch.asks.told.updates": "“{token}” in layer {layer}: the change is {value} of the frozen output",
    "watch.asks.ask": "“{token}” gives number {prompt} a weight of {value}",
    "watch.asks.title.blend": "Who has the next word?",
    "watch.asks.caption.rungs": "What is added at a token need not matter for the answer.",
    "watch.asks.caption.blend": (
        "The words are the likeliest ones only, and a word that changes need not be a better one."
    ),
    "watch.asks.share.rungs": "What share of the side network's state is fresh from the base, 0 to 1",
    "watch.asks.share.blend": "How loud the side network is: |side| / |base|, 0 to 1 and above",
    "watch.asks.spread.prompts": "Which prompt each token asks in layer {layer}, 0 to {most} ({head})",
    "watch.asks.spread.soft": "Which learned place each token asks in layer {layer}, 0 to {most} ({head})",
    "watch.asks.spread.rungs": "What the ladder adds to the last states, 0 to {most} of them",
    "watch.asks.told.rungs": (
        "“{token}” in layer {layer}: {value} of the state is fresh from the base; at the end the ladder adds {added}"
    ),
    "watch.asks.told.blend": (
        "After “{token}” the base says “{base}”, the side network “{side}”, together they say “{blend}” "
        "(|side| / |base| {value}, cosine {cosine})"
    ),
    "watch.asks.added": "added",
    "watch.asks.ratio": "side",
    "watch.asks.next.after": "after",
    "watch.asks.next.base": "base",
    "watch.asks.next.side": "side",
    "watch.asks.next.blend": "together",
    "watch.moved.title": "What moved in this step?",
    "watch.moved.caption": (
        "Bars compare the groups within this step, not one step with another. A long way is not a useful way."
    ),
    "watch.moved.group": "group",
    "watch.moved.gradient": "gradient",
    "watch.moved.gradient.title": "Norm of the gradient, before clipping",
    "watch.moved.update": "update",
    "watch.moved.update.title": "Norm of the change in this step, relative to the norm of the group",
    "watch.moved.at": "Step {step}",
    "watch.moved.nothing": "Nothing has moved yet: step 0 is before the first update.",
    "watch.moved.group.prompts": "prompts",
    "watch.moved.group.gates": "gates",
    "watch.moved.group.a": "A",
    "watch.moved.group.b": "B",
    "watch.moved.group.head": "task head",
    "watch.moved.group.down": "down",
    "watch.moved.group.up": "up",
    "watch.moved.group.norms": "norms",
    "watch.moved.group.bias": "bias",
    "watch.moved.group.scale": "scale",
    "watch.moved.group.projection": "projection",
    "watch.moved.group.encoder": "encoder",
    "watch.moved.group.vectors": "factors",
    "watch.moved.group.linears": "linears",
    "watch.moved.still.gate": (
        "The prompts' gradient is exactly 0: tanh(0) = 0 closes every gate, so nothing that the prompts say "
        "reaches the loss. The gates must open first."
    ),
    "watch.moved.still.lora": (
        "The gradient of {groups} is exactly 0: B starts at zero, so A cannot matter yet. B must move first."
    ),
    "watch.moved.still.zero": "The gradient of {groups} is exactly 0 in this step.",
    "watch.sample.title": "What does it answer now?",
    "watch.sample.caption": (
        "One question, the likeliest answer. It says nothing about the other questions: try them in Chat."
    ),
    "watch.sample.question": "question",
    "watch.sample.now": "step {step}",
    "watch.sample.reference": "wanted",
    "watch.sample.silence": "(says nothing)",
    "watch.updates.title": "Where does it change the weights?",
    "watch.updates.caption": (
        "A large change is not an important one. The scale ends at this run's largest value, so compare "
        "numbers, not colours, between runs."
    ),
    "watch.updates.label": (
        "Size of the change: layers from below, weights from left to right. Arrow keys move the pick."
    ),
    "watch.updates.strip": "Every change's size, step by step",
    "watch.updates.mean": "Mean |change| / |frozen| {value} at step {step}. Point at a cell; click to keep it.",
    "watch.updates.cell": "Layer {layer}, {column}: |change| / |frozen| = {value}",
    "watch.prompt.title": "What do the virtual tokens say?",
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
    "watch.prompt.words.title": "The three vocabulary entries with the highest cosine",
    "watch.prompt.usual": "a usual word: {value}",
    "watch.prompt.strides": "How far the encoder moves the virtual tokens from one frame to the next",
    "watch.prompt.at": (
        "Step {step}. A usual word has norm {norm} and a cosine of {cosine} to its own nearest neighbour."
    ),
    "watch.adapters.title": "How much does each adapter change what passes through?",
    "watch.adapters.caption": (
        "A large change is not an important one: switch layers off below and see what that costs. Only one "
        "sentence is measured."
    ),
    "watch.adapters.label": (
        "Change by each adapter: layers from below, after attention and after the MLP. Arrow keys move the pick."
    ),
    "watch.adapters.bars": "inactive",
    "watch.adapters.part.attention": "after attention",
    "watch.adapters.part.mlp": "after the MLP",
    "watch.adapters.strip": "Every adapter's change, step by step",
    "watch.adapters.mean": (
        "Mean |A(h) − h| / |h| {value} at step {step}; {asleep} % of the bottleneck's units are inactive. "
        "Point at a cell; click to keep it."
    ),
    "watch.adapters.cell": (
        "Layer {layer}, {column}: |A(h) − h| / |h| = {value}; {asleep} % of its units are inactive (no token "
        "of the sentence activates them)"
    ),
    "watch.mass.title": "Which heads listen to the prefix?",
    "watch.mass.caption": (
        "Attention is not effect: a head may look at the prefix and add almost nothing. Unlike a gate of "
        "LLaMA-Adapter, this share is taken away from the text, and it differs from token to token."
    ),
    "watch.mass.label": (
        "Share of the attention that goes to the prefix: layers from below, heads from left to right. Arrow "
        "keys move the pick."
    ),
    "watch.mass.strip": "Every head's share, step by step",
    "watch.mass.mean": (
        "Mean share {value} at step {step}; {even} if every place got the same. Point at a cell; click to keep it."
    ),
    "watch.mass.cell": (
        "Layer {layer}, {column}: {value} of its attention goes to the prefix; {even} if every place got the same"
    ),
    "watch.prefix.title": "How far does the prefix travel, and in what strides?",
    "watch.prefix.caption": (
        "A longer way is not a better one: an MLP makes larger strides at the same learning rate, too large "
        "ones at a high rate. The loss tells which. Train again without it, and compare."
    ),
    "watch.prefix.moved": "way from the start",
    "watch.prefix.norm": "size",
    "watch.prefix.other": "way of {name}",
    "watch.prefix.way": "Size of the prefix and its way from the start, step by step",
    "watch.prefix.strides": "Stride of one update, step by step",
    "watch.prefix.keys": "keys",
    "watch.prefix.keys.title": "Norm of the keys in front of this layer's text",
    "watch.prefix.values": "values",
    "watch.prefix.values.title": "Norm of the values in front of this layer's text",
    "watch.prefix.at": (
        "Step {step}: the prefix has size {norm} and is {moved} away from its start; one update moves it by {stride}."
    ),
    "watch.norms.title": "How far did the norms drift?",
    "watch.norms.caption": (
        "The frozen gains are about 1, so 0.03 is three per cent. Small changes here act on every token at "
        "once. The picture does not say which of them the answer needs: train again without norms."
    ),
    "watch.norms.strip": "Every norm's gain: root mean square change, step by step",
    "watch.norms.at": "Step {step}: the largest change of a gain is {value}.",
    "watch.norms.norm": "norm",
    "watch.norms.gamma": "gain",
    "watch.norms.gamma.title": "Root mean square change of the gains",
    "watch.norms.beta": "bias",
    "watch.norms.beta.title": "Root mean square change of the biases",
    "watch.experts.title": "Who had a turn, and are they becoming one?",
    "watch.experts.caption": (
        "Nobody chooses an expert: chance does. Different counts are chance, not skill; chi-square says how much of it."
    ),
    "watch.experts.pool.down": "Draws of each expert that goes down",
    "watch.experts.pool.up": "Draws of each expert that goes up",
    "watch.experts.label": "Draws: layers from below, experts from left to right. Arrow keys move the pick.",
    "watch.experts.bars": "alike",
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
    "watch.agreement.title": "Where do the experts disagree?",
    "watch.agreement.caption": (
        "Training asks for agreement in the answer and nowhere else. Agreement is not correctness."
    ),
    "watch.agreement.label": "Tokens: how differently two random routes through the experts predict what comes next",
    "watch.agreement.between": "two routes",
    "watch.agreement.from_average": "from the average",
    "watch.agreement.nats": "{value} nats",
    "watch.agreement.strip": (
        "Mean over the sentence, step by step: two routes (amber), a route from the average (slate)"
    ),
    "watch.agreement.mean": (
        "Step {step}: two random routes differ by {between} nats per token, a route from the averaged "
        "experts by {average}."
    ),
    "watch.agreement.cell": (
        "After “{token}”: two random routes differ by {between} nats, a route from the averaged experts by {average}."
    ),
    "watch.masks.title": "Which weights are switched off?",
    "watch.masks.caption": (
        "Off is not useless: the base may need that weight for something else, see base ability. The scores "
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
    "watch.ablation.title": "Which layers can it do without?",
    "watch.ablation.caption": (
        "A layer that costs nothing alone may matter together with its neighbours: read the triangle, not "
        "the diagonal. Off means that these layers are the base's again."
    ),
    "watch.ablation.label": "Validation loss with the method off from one layer to another",
    "watch.ablation.compute": "switch layers off",
    "watch.ablation.waiting": "Switching layers off, one span after another …",
    "watch.ablation.invite": (
        "Not asked yet at step {step}: press the button to switch off every span of layers in turn."
    ),
    "watch.ablation.from": "off from {layer}",
    "watch.ablation.to": "to {layer}",
    "watch.ablation.all": "Step {step}: validation loss {whole} with all layers on. Point at a cell.",
    "watch.ablation.cell": "Off in layers {from} to {to}: validation loss {loss} instead of {whole}",
    "watch.ablation.one": "Off in layer {from} alone: validation loss {loss} instead of {whole}",
    "watch.routes.title": "One route, or the average of all?",
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
        "Validation loss: {average} for the average, {random} for {n} random routes on average, {best} for "
        "the best single expert."
    ),
}
