"""Chinese words: memory."""

WORDS = {
    "memory.title": "内存",
    "memory.needs": "最高时占用 {needed}",
    "memory.fits": "放得下：{device} 可用 {free}，共 {all}",
    "memory.tight": "很紧张：{device} 可用 {free}，共 {all}",
    "memory.will not fit": "放不下：{device} 可用 {free}，共 {all}",
    "memory.advice": "减小批大小、把一批分成更多份、打开激活重算，或让基座用 int8、nf4，都能少占一些。",
    "memory.device.cpu": "CPU",
    "memory.device.cuda": "GPU",
    "memory.part.weights": "冻结的权重",
    "memory.part.quantisation": "量化尺度",
    "memory.part.adapter": "适配器",
    "memory.part.gradients": "梯度",
    "memory.part.optimiser": "优化器",
    "memory.part.activations": "激活值",
    "memory.part.logits": "Logits",
    "memory.part.kv_cache": "对话的 KV 缓存",
    "memory.between": "只在两步之间，不计入",
    "memory.batch": "按同时计算 {rows} 行、每行最多 {length} 个 token 估计。",
    "memory.measured": "“{name}”实测：{peak}。按它可能的最大一批估计是 {estimate}。",
    "memory.measured_only": "“{name}”实测：{peak}。",
}
