"""Chinese words: ladder."""

WORDS = {
    "ladder.ask": "用哪个学习率？· 学习率阶梯（learning-rate ladder）",
    "ladder.title": "哪个学习率最好？· 学习率阶梯（learning-rate ladder）",
    "ladder.stop": "停止",
    "ladder.use": "把最好的填入表单",
    "ladder.close": "隐藏",
    "ladder.waiting": "{of} 个学习率已排队，轮到时开始。",
    "ladder.running": "{of} 个学习率中还剩 {n} 个：每到虚线处，较好的一半继续。",
    "ladder.best": "这里最好的学习率是 {rate}；{method} 常用的是 {usual}。",
    "ladder.best.usual": "这里最好的学习率是 {rate}，正是 {method} 常用的。",
    "ladder.stopped": "阶梯已停止；各次运行学到的内容在“记录”页。",
    "ladder.failed": "没有学习率得到有限的损失：请在“记录”页查看。",
    "ladder.state.waiting": "等待中，第 {step} 步",
    "ladder.state.running": "训练中，第 {step} 步",
    "ladder.state.out": "第 {step} 步淘汰",
    "ladder.state.best": "最好",
    "ladder.state.done": "训练到底",
    "ladder.forgets": "遗忘 {value}",
    "ladder.x": "步",
    "ladder.y": "验证损失（nats/token，对数）",
    "ladder.caption": (
        "数据、批次和随机种子都相同；每个都是“记录”页上的一次运行。每个学习率旁是最新的验证损失，以及普通文本上的"
        "遗忘（nats/token）。阶梯比完整运行短：较大的学习率起步快，却可能遗忘得多得多。"
    ),
    "ladder.filled": "学习率 {rate} 已填入表单。",
    "ladder.other": "那次阶梯针对 {model} 上的 {method}：请先选择它们。",
}
