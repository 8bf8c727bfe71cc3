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
    "watch.interrupted": "This run was interrupted. Nothing is lost: it can go on.",
    "watch.stopped": "This run was stopped and kept.",
    "watch.waiting": "The disk is full: training waits, and goes on by itself as soon as there is room.",
    "watch.paused": "Paused. “One step” trains one more.",
    "watch.paused.elsewhere": "Paused. Another process trains it, and only there can it go on.",
    "watch.finished.early": "Stopped early at step {step}: validation did not get better any more.",
    "watch.finished.kept": "Finished. Kept is the state of step {kept}, the best on validation.",
    "watch.finished.early.kept": (
        "Stopped early at step {step}: validation did not get better any more. Kept is step {kept}, the best."
    ),
    "watch.finished": "Finished.",
    "watch.scoring": "All steps are made. It answers test rows for its score …",
    "watch.score.untuned": "{score} on {rows} test rows; the untuned base: {baseline}.",
    "watch.score.constant": "{score} on {rows} test rows; the same answer always: {baseline}.",
    "watch.score.withheld": "{score} on {rows} test rows; with the picture withheld: {baseline}.",
    "watch.score.sentence": "{score} on {rows} test rows; the sentence most like the question: {baseline}.",
    "watch.score.facts": "Of what the questions list, {share} % is said word for word; the untuned base: {baseline} %.",
    "watch.score.little": "That is hardly better: another method, another learning rate or more steps may learn it.",
    "watch.score.better": "{title} with its default settings was measured at {score} on this dataset.",
    "watch.score.defaults": "The default settings were measured at {score} on this dataset.",
    "watch.score.none": "What it learned shows in its answers.",
    "watch.status.stopping": "stopping",
    "watch.follow.title": "Stay at the newest step as training goes on",
    "watch.one_step.others": "Only whoever started this run, or a driver, may make a step",
    "watch.one_step.elsewhere": "Another process trains this run; only there can it make a step",
    "watch.one_step.title": "Train exactly one step and pause (key: .)",
    "watch.compare.none": "compare with …",
    "watch.intro.other": "A frozen model, {n} new numbers. Watch it learn.",
    "watch.intro.button": "Train it yourself",
    "watch.next.chat": "Ask it something",
    "watch.next.retry": "Try something else",
    "watch.next.retry.better": "Try {title}",
    "watch.next.runs": "Runs",
    "watch.next.train": "Train",
    "watch.gates.title": "When and where does it start listening?",
    "watch.gates.term": "gates of zero-init attention, tanh(g)",
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
    "watch.loss.term": "training loss, validation loss, forgetting",
    "watch.loss.caption": (
        "A low loss is not a good answer: read the answer below. Forgetting is the rise of the loss on plain "
        "text that the base knew."
    ),
    "watch.loss.log": "log steps",
    "watch.loss.log.title": "Give the early steps more room",
    "watch.loss.training": "training",
    "watch.loss.training.title": "Loss on the batch that was just learned from",
    "watch.loss.validation": "validation",
    "watch.loss.validation.title": "Loss on questions that are never trained on",
    "watch.loss.best": "lowest validation (ring) {value} at step {step}",
    "watch.loss.forgetting": "forgetting",
    "watch.loss.forgetting.title": "How far the loss on plain text that the base knew has risen since step 0",
    "watch.loss.other": "{name}, dotted",
    "watch.loss.axis": "step",
    "watch.loss.axis.y": "{unit} · lower is better ↓",
    "watch.loss.unit.token": "nats/token",
    "watch.loss.unit.row": "nats/row",
    "watch.loss.unit.end": "nats per end of an answer",
    "watch.loss.unit.number": "squared error",
    "watch.loss.score.accuracy": "accuracy",
    "watch.loss.score.f1": "F1",
    "watch.loss.score.pearson": "correlation (Pearson)",
    "watch.loss.score.title": "Of the task head on validation rows; on the right axis",
    "watch.loss.readout": (
        "Step {step}: training {training}, validation {validation} {unit}, forgetting {forgetting} nats/token"
    ),
    "watch.loss.readout.score": "{name} {score} on validation rows",
    "watch.loss.readout.other": "{name}: training {training}, validation {validation}, forgetting {forgetting}",
    "watch.asks.title": "Whom does it ask?",
    "watch.asks.term": "attention on what was learned",
    "watch.asks.title.updates": "Where does it act in this sentence?",
    "watch.asks.term.prompts": "attention on prompts",
    "watch.asks.term.soft": "attention on virtual tokens",
    "watch.asks.term.updates": "relative size of the change of activations",
    "watch.asks.term.rungs": "what the side network takes in",
    "watch.asks.term.blend": "next-token predictions",
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
    "watch.asks.part": "Of which method",
    "watch.asks.waiting": "Looking …",
    "watch.asks.gone": "The workbench does not answer.",
    "watch.asks.at": "As the adapter was at step {step}. Point at a cell; click to keep its token.",
    "watch.asks.cut": "The sentence is cut: only its first {n} tokens are read.",
    "watch.asks.mean_heads": "mean of all heads",
    "watch.asks.one_head": "head {head}",
    "watch.asks.share.label": "Layers by tokens: how much the trained part weighs",
    "watch.asks.spread.label": "Prompts by tokens: where the attention on the prompts goes",
    "watch.asks.share.prompts": ("How loud the prompts are: |tanh(g) · prompt part| / |attention output| ({head})"),
    "watch.asks.share.soft": "Share of the attention that goes to what was learned ({head})",
    "watch.asks.share.updates": "How much {target} changes ({method}): |change| / |frozen output|",
    "watch.asks.told.prompts": "“{token}” in layer {layer}: the prompts' part is {value} of the attention output",
    "watch.asks.told.soft": "“{token}” in layer {layer}: {value} of its attention goes to what was learned",
    "watch.asks.told.updates": "“{token}” in layer {layer}: the change is {value} of the frozen output",
    "watch.asks.ask": "“{token}” gives number {prompt} a weight of {value}",
    "watch.asks.title.blend": "Who has the next word?",
    "watch.asks.caption.rungs": "What is added at a token need not matter for the answer.",
    "watch.asks.caption.blend": (
        "The words are the likeliest ones only, and a word that changes need not be a better one."
    ),
    "watch.asks.share.rungs": "What share of the side network's state is fresh from the base",
    "watch.asks.share.blend": "How loud the side network is: |side| / |base|",
    "watch.asks.spread.prompts": "Which prompt each token asks in layer {layer} ({head})",
    "watch.asks.spread.soft": "Which learned place each token asks in layer {layer} ({head})",
    "watch.asks.spread.rungs": "What the ladder adds to the last states, as a share of them",
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
    "watch.moved.title": "What moves?",
    "watch.moved.term": "norms of gradients and of updates",
    "watch.moved.caption": (
        "The axes are logarithmic; a gradient of exactly 0 has no place there and is left out. A long way is not a "
        "useful way."
    ),
    "watch.moved.group": "group",
    "watch.moved.gradient": "gradient",
    "watch.moved.gradient.title": "Norm of the gradient, before clipping",
    "watch.moved.update": "update",
    "watch.moved.gradient.curve": "Norm of the gradient, step by step",
    "watch.moved.update.curve": "|update| / |group|, step by step",
    "watch.moved.update.title": "Norm of the change in this step, relative to the norm of the group",
    "watch.moved.at": "Step {step}",
    "watch.moved.nothing": "Nothing has moved yet: step 0 is before the first update.",
    "watch.moved.group.prompts": "prompts",
    "watch.moved.group.gates": "gates",
    "watch.moved.group.early_gates": "gates of the picture",
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
    "watch.moved.group.alpha": "α",
    "watch.moved.group.biases": "biases",
    "watch.moved.group.blocks": "blocks",
    "watch.moved.group.e": "Λ",
    "watch.moved.group.keys": "keys",
    "watch.moved.group.magnitudes": "magnitudes",
    "watch.moved.group.mlp": "MLP",
    "watch.moved.group.net": "side network",
    "watch.moved.group.norm": "norm",
    "watch.moved.group.p": "P",
    "watch.moved.group.q": "Q",
    "watch.moved.group.rotations": "rotations",
    "watch.moved.group.rungs": "rungs",
    "watch.moved.group.scores": "scores",
    "watch.moved.group.trigger": "trigger",
    "watch.moved.group.turns": "rotations",
    "watch.moved.group.values": "values",
    "watch.moved.group.weights": "weights",
    "watch.moved.still.gate": (
        "The prompts' gradient is exactly 0: tanh(0) = 0 closes every gate, so nothing that the prompts say "
        "reaches the loss. The gates must open first."
    ),
    "watch.moved.still.lora": (
        "The gradient of {groups} is exactly 0: B starts at zero, so A cannot matter yet. B must move first."
    ),
    "watch.moved.still.zero": "The gradient of {groups} is exactly 0 in this step.",
    "watch.sample.title": "What does it answer now?",
    "watch.sample.term": "greedy decoding",
    "watch.sample.caption": (
        "One question, the likeliest answer. It says nothing about the other questions: try them in Chat."
    ),
    "watch.sample.question": "question",
    "watch.sample.now": "step {step}",
    "watch.sample.other": "{name}, step {step}",
    "watch.sample.reference": "wanted",
    "watch.sample.silence": "(says nothing)",
    "watch.updates.title": "Where does it change the weights?",
    "watch.updates.title.states": "Where does it change the states?",
    "watch.updates.title.activations": "Where does it rescale the activations?",
    "watch.updates.term.activations": "relative size of the rescaling of activations",
    "watch.updates.title.offsets": "Where does it shift the outputs?",
    "watch.updates.term.offsets": "relative size of the learned offsets (biases)",
    "watch.updates.term.states": "relative size of the edits of hidden states",
    "watch.updates.term": "relative size of the weight updates",
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
    "watch.mass.title": "Which heads listen to the prefix?",
    "watch.mass.term": "attention on the prefix",
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
    "watch.norms.title": "How far did the norms drift?",
    "watch.norms.term": "drift of gains and biases",
    "watch.norms.caption": (
        "The frozen gains are about 1, so 0.03 is three per cent. Small changes here act on every token at "
        "once. The picture does not say which of them the answer needs: train again without norms."
    ),
    "watch.norms.strip": "Every norm's gain: root mean square change, step by step",
    "watch.norms.at": "Step {step}: the largest change of a gain is {value}.",
    "watch.norms.label": "Change of every norm: layers from left to right, kinds of norms from below",
    "watch.norms.last": "end",
    "watch.norms.cell": "{norm}: root mean square change of the {part} {value}",
    "watch.norms.gamma": "gain",
    "watch.norms.beta": "bias",
    "watch.agreement.title": "Where do the experts disagree?",
    "watch.agreement.term": "divergence between routes",
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
    "watch.ablation.title": "Which layers can it do without?",
    "watch.ablation.term": "ablation of layers",
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
    "watch.ablation.no_effect": "no effect {whole}",
    "watch.ablation.none": "No such span: it would end before the layer that it begins with.",
    "watch.ablation.all": "Step {step}: validation loss {whole} {unit} with all layers on. Point at a cell.",
    "watch.ablation.cell": "Off in layers {from} to {to}: validation loss {loss} instead of {whole} {unit}",
    "watch.ablation.one": "Off in layer {from} alone: validation loss {loss} instead of {whole} {unit}",
}
