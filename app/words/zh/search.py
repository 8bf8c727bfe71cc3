"""Chinese words: auto tuning."""

WORDS = {
    "search.title": "自动调优：搜索方法和设置",
    "search.about": (
        "用上面的模型和数据依次训练许多次，从每一次学到下一次该试哪种方法、多大的规模和学习率。较差的会在十分之一或三成步数时停下。"
        "要一起试几种方法，请输入用加号连接的名称，例如 bottleneck+prefix。"
    ),
    "search.methods": "要试的方法",
    "search.trials": "最多运行次数",
    "search.minutes": "训练分钟数",
    "search.start": "开始搜索",
    "search.begun": "{name} 已开始：它的运行会依次训练，也出现在“记录”里。",
    "search.used": "表单已填入那次运行的设置。",
    "search.choose": "搜索",
    "search.state.runs": "{trials} 次中的第 {done} 次，已训练 {minutes} 分钟",
    "search.state.stopped": "已停止：完成 {trials} 次中的 {done} 次，随时可以继续。",
    "search.state.finished": "已完成：{done} 次运行，训练了 {minutes} 分钟。",
    "search.stop": "停止搜索",
    "search.go_on": "继续",
    "search.x": "训练参数数量（对数）",
    "search.y": "验证损失（nats/token）",
    "search.hint": "每个点是一次运行。线上的点没有被任何其他点超过：参数更少或损失更低。点一下看看。",
    "search.first": "第一次运行正在训练 …",
    "search.point": "{title}：损失 {loss}，训练 {trainable} 个参数，学习率 {rate}；{told}",
    "search.point.pruned": "{title}：在第 {step} 步停下，损失 {loss}；学习率 {rate}；{told}",
    "search.use": "使用这些设置",
    "search.open": "在观察页打开",
    "search.best": "没有被超过的",
    "search.importance": "什么决定损失",
    "search.rate": "学习率",
    "search.failed": "{n} 次运行没有结果；“记录”页说明原因。",
}
