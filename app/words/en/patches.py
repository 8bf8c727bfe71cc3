"""Words of the view that shows where a method acts in a picture."""

WORDS = {
    "watch.patches.title": "Where does it act in this picture?",
    "watch.patches.term": "attention and outputs, patch by patch",
    "watch.patches.caption": (
        "Each small map is the picture as the model reads it, patch by patch; patches mix what they have seen, so in "
        "later layers a patch is no longer only its own spot. A strong patch need not matter for the answer."
    ),
    "watch.patches.picture": "A test picture to look at",
    "watch.patches.bare": "as it is read",
    "watch.patches.class_token": "the class token",
    "watch.patches.patch": "the patch in row {row}, column {column}",
    "watch.patches.sees": "It sees “{label}” ({share} %).",
    "watch.patches.at": "Step {step}.",
    "watch.patches.in_layer": " in layer {layer}",
    "watch.patches.told": "Value of {place}{where}: {value}.",
    "watch.patches.scale": "{what}; in this picture from {least} (grey) to {most}",
    "watch.patches.place": "no. {number}",
    "watch.patches.spread.prompts": "Which prompt each patch asks in layer {layer}, {least} to {most} ({head})",
    "watch.patches.spread.soft": "Which learned place each patch asks in layer {layer}, {least} to {most} ({head})",
    "watch.patches.spread.rungs": "What the ladder adds to the last states, {least} to {most} of them",
    "watch.patches.first_places": "The first {n} of them.",
    "watch.beside.title": "What does the picture change?",
    "watch.beside.term": "ablation of the picture",
    "watch.beside.caption": (
        "The gates are weights: no picture changes them. What a picture changes is how much the prompts add, and that "
        "is shown, as a share of the frozen attention's output. Read as a whole, it adds one vector to all prompts "
        "alike, which cancels out of their softmax: in the lowest of these layers every token asks the same prompts "
        "whatever the picture. Read by queries, it gives each prompt a vector of its own. "
        "Where the encoder looks is no explanation of the answer."
    ),
    "watch.beside.choice": "A question about a picture, from the validation rows",
    "watch.beside.seen": "with the picture",
    "watch.beside.withheld": "without",
    "watch.beside.other": "with another one",
    "watch.beside.difference": "difference",
    "watch.beside.alt.seen": "The picture as the vision encoder reads it",
    "watch.beside.alt.withheld": "No picture",
    "watch.beside.alt.other": "The picture of another row",
    "watch.beside.choice.other": "Whose picture is the other one",
    "watch.beside.drawn": "drawn, with another answer",
    "watch.beside.own": "Your picture…",
    "watch.beside.own.seen": "Your picture… to ask about; dropping or pasting one here does the same",
    "watch.beside.own.other": "Your picture… as the other one; dropping one here does the same",
    "watch.beside.back": "Back",
    "watch.beside.back.seen": "Back to the row's picture",
    "watch.beside.back.other": "Back to a picture of the rows",
    "watch.beside.question": "Your own question instead",
    "watch.beside.unreadable": "The browser cannot read this file as a picture. Give a JPEG, PNG, WebP, GIF or BMP.",
    "watch.beside.silence": "(says nothing)",
    "watch.beside.loudness": (
        "How loud the prompts are, layers by heads, mean of all tokens: 0 to {most}; in the difference blue is below "
        "0, red above"
    ),
    "watch.beside.loudness.label": "How loud the prompts are, layers by heads: {which}. Arrow keys move the pick.",
    "watch.beside.spread": "Which prompt each token asks in layer {layer}, with the picture, 0 to {most} ({head})",
    "watch.beside.spread.label": "Prompts by tokens: where the attention on the prompts goes",
    "watch.beside.looks": "Where the frozen encoder looks: attention on each patch, at the layers that are taken",
    "watch.beside.depth": "its layer {depth}",
    "watch.beside.at": "Step {step}; the answer should be “{reference}”.",
    "watch.beside.at.own": "Step {step}; what the answer should be is not known.",
    "watch.beside.mean": "The prompts add {seen} of the attention output with the picture, {withheld} without.",
    "watch.beside.cell": "Layer {layer}, head {head}: {seen} with the picture, {withheld} without.",
    "watch.beside.ask": "“{token}” gives prompt {prompt} a weight of {value}.",
}
