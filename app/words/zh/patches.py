"""Words of the view that shows where a method acts in a picture, in Chinese."""

WORDS = {
    "watch.patches.title": "它在这张图片的哪里起作用？",
    "watch.patches.caption": (
        "每张小图都是模型读到的图片，按图块（patch）着色。图块之间会交换信息，所以越往后的层，一个图块就越不只是它自己那一处。"
        "颜色深的图块未必影响回答。"
    ),
    "watch.patches.picture": "要查看的测试图片",
    "watch.patches.bare": "读到的图片",
    "watch.patches.class_token": "类别 token",
    "watch.patches.patch": "第 {row} 行第 {column} 列的图块",
    "watch.patches.sees": "它看到的是“{label}”（{share} %）。",
    "watch.patches.at": "第 {step} 步。",
    "watch.patches.in_layer": "在第 {layer} 层",
    "watch.patches.told": "{place}{where}的值：{value}。",
    "watch.patches.scale": "{what}；图中从 {least}（灰）到 {most}",
    "watch.patches.place": "第 {number} 个",
    "watch.patches.spread.prompts": "第 {layer} 层里每个图块在问哪一个提示，{least} 到 {most}（{head}）",
    "watch.patches.spread.soft": "第 {layer} 层里每个图块在问学到的哪一个位置，{least} 到 {most}（{head}）",
    "watch.patches.spread.rungs": "梯子给末层状态加了多少，{least} 到 {most} 倍",
    "watch.patches.first_places": "只画前 {n} 个。",
}
