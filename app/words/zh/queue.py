"""Chinese words: queue."""

WORDS = {
    "queue.title": "队列",
    "queue.hint": "依次训练，没有打开页面时也会继续。可拖动一行，或用箭头调整。",
    "queue.now": "正在训练",
    "queue.next": "下一个开始",
    "queue.in": "约 {left} 后开始",
    "queue.after": "在另外 {n} 次之后开始",
    "queue.steps": "{n} 步",
    "queue.until": "到第 {until} 步（共 {n} 步）",
    "queue.failed": "无法开始：{message}",
    "queue.up": "上移 {name}",
    "queue.down": "下移 {name}",
    "queue.remove": "从队列中移除 {name}",
    "queue.owner": "属于 {owner}",
    "queue.moved": "{name} 现在排第 {place}。",
}
