"""Words of the view that shows where a method acts in a picture."""

WORDS = {
    "watch.patches.title": "Where does it act in this picture?",
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
    "watch.beside.caption": (
        "The gates are weights: no picture changes them. What a picture changes is how much the prompts add, and that "
        "is shown, as a share of the frozen attention's output. It adds one vector to all prompts alike, which cancels "
        "out of their softmax: in the lowest of these layers every token asks the same prompts whatever the picture. "
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
    "watch.beside.mean": "The prompts add {seen} of the attention output with the picture, {withheld} without.",
    "watch.beside.cell": "Layer {layer}, head {head}: {seen} with the picture, {withheld} without.",
    "watch.beside.ask": "“{token}” gives prompt {prompt} a weight of {value}.",
}
