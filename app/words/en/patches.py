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
}
