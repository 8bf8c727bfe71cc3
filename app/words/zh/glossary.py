"""Chinese words: glossary."""

WORDS = {
    "glossary.base.word": "基座",
    "glossary.base": "预训练好的模型（base），它的每一个数都保持冻结。",
    "glossary.trains.word": "训练",
    "glossary.trains": "新加入、会学习的参数。基座自己的参数保持冻结，列出来只是为了比较。",
    "glossary.strength.word": "适配器强度",
    "glossary.strength": "微调部分的音量（strength）：0 是基座，1 是训练好的模型，2 是两倍。",
    "glossary.nats.word": "nats",
    "glossary.nats": (
        "微调模型与基座的下一个 token 概率之间的 KL 散度（单位 nats），对整个回答取平均：0 表示微调在这里毫无作用。"
    ),
    "glossary.label.word": "学着说",
    "glossary.label": "带标签（label）的 token：损失在这些 token 上计算。",
    "glossary.masked.word": "只是读",
    "glossary.masked": "被掩码（masked）的 token：模型看得到，但不计算损失。",
}
