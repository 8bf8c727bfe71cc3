"""Words of the active run on Runs, in Chinese."""

WORDS = {
    "activity.title": "正在运行：{name}",
    "activity.memory": "内存 {used} GiB，剩余 {free} / {total} GiB",
    "activity.cpu": "CPU {share} %",
    "activity.gpu": "GPU {used} / {total} GiB",
    "activity.log": "日志",
    "activity.save": "保存日志",
    "activity.line": "第 {step} 步：{text}",
    "activity.started": "{at} 开始，共 {steps} 步，训练 {total} 个参数中的 {n} 个",
    "activity.loss": "损失 {loss} nats/token，学习率 {lr}，{speed} token/秒，已训练 {time}",
    "activity.eval": "验证损失 {loss} nats/token",
    "activity.ability": "普通文本上的损失 {loss} nats/token",
    "activity.sample": "回答“{text}”",
}
