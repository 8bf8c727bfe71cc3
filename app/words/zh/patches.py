"""Words of the view that shows where a method acts in a picture, in Chinese."""

WORDS = {
    "watch.patches.title": "它在这张图片的哪里起作用？",
    "watch.patches.term": "逐图块的注意力与输出",
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
    "watch.beside.title": "图片改变了什么？",
    "watch.beside.term": "去掉图片的对照（消融）",
    "watch.beside.caption": (
        "门控系数是权重，任何图片都不会改变它。图片改变的是提示加进来多少，这里画的就是它与冻结注意力输出之比。"
        "整体读的图片给所有提示加上同一个向量，它在提示的 softmax 中会抵消：因此在其中最低的一层，"
        "不管是什么图片，每个 token 询问的提示都一样；由查询读的图片给每个提示加上各自的向量。"
        "编码器看哪里，并不能解释回答。"
    ),
    "watch.beside.choice": "验证数据中一个关于图片的问题",
    "watch.beside.seen": "有图片",
    "watch.beside.withheld": "无图片",
    "watch.beside.other": "换一张图片",
    "watch.beside.difference": "差",
    "watch.beside.alt.seen": "视觉编码器读到的图片",
    "watch.beside.alt.withheld": "没有图片",
    "watch.beside.alt.other": "另一条数据的图片",
    "watch.beside.choice.other": "另一张图片取自哪条数据",
    "watch.beside.drawn": "随机抽取，答案不同",
    "watch.beside.own": "自己的图片…",
    "watch.beside.own.seen": "自己的图片…用来提问；拖到这里或粘贴也可以",
    "watch.beside.own.other": "自己的图片…作为另一张；拖到这里也可以",
    "watch.beside.back": "还原",
    "watch.beside.back.seen": "还原为这条数据的图片",
    "watch.beside.back.other": "还原为数据中的图片",
    "watch.beside.question": "改问自己的问题",
    "watch.beside.unreadable": "浏览器无法把这个文件读成图片。请给出 JPEG、PNG、WebP、GIF 或 BMP。",
    "watch.beside.silence": "（什么也没说）",
    "watch.beside.loudness": "提示的音量，层 × 头，对所有 token 取平均：0 到 {most}；差小于 0 为蓝，大于 0 为红",
    "watch.beside.loudness.label": "提示的音量，层 × 头：{which}。方向键移动所选。",
    "watch.beside.spread": "有图片时，第 {layer} 层中每个 token 询问哪个提示，0 到 {most}（{head}）",
    "watch.beside.spread.label": "提示 × token：注意力落在哪个提示上",
    "watch.beside.looks": "冻结的编码器看哪里：在所取的各层，对每个图块的注意力",
    "watch.beside.depth": "编码器第 {depth} 层",
    "watch.beside.at": "第 {step} 步；正确的回答是“{reference}”。",
    "watch.beside.at.own": "第 {step} 步；正确的回答是什么，并不知道。",
    "watch.beside.mean": "提示占注意力输出的比例：有图片时 {seen}，无图片时 {withheld}。",
    "watch.beside.cell": "第 {layer} 层，头 {head}：有图片时 {seen}，无图片时 {withheld}。",
    "watch.beside.ask": "“{token}”给提示 {prompt} 的权重是 {value}。",
    "watch.patches.first_places": "只画前 {n} 个。",
}
