"""Pre-training of the embedded base: a small LLaMA reads the town's corpus once.

Takes about a quarter of an hour on two CPU cores. Whole documents are packed into sequences, never cut: the first
line of a question page says whether answers follow, and a page without its first line would break that promise.
"""

import hashlib
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

from tools.demo_model.corpus import MIX, TRAIN_SEED, documents, heldout_texts
from tools.demo_model.tokenizer import VOCABULARY, save_tokenizer

LENGTH = 256
BATCH = 16
PEAK_RATE = 3e-3
SEED = 0


def config() -> LlamaConfig:
    """2,853,312 parameters: 6 layers, width 192, 6 heads, tied embeddings."""
    return LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=6,
        num_attention_heads=6,
        num_key_value_heads=6,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )


def pack(texts: Iterator[str], tokenizer: PreTrainedTokenizerBase) -> Tensor:
    """Whole documents side by side in rows of `LENGTH` token ids, padded at the end: (rows, LENGTH)."""
    rows: list[list[int]] = []
    row: list[int] = []
    for text in texts:
        ids = [*tokenizer.encode(text), tokenizer.eos_token_id][:LENGTH]
        if len(row) + len(ids) > LENGTH:
            rows.append(row + [tokenizer.pad_token_id] * (LENGTH - len(row)))
            row = []
        row += ids
    return torch.tensor(rows)


def rate(step: int, steps: int) -> float:
    """Share of the peak learning rate: linear warm-up over 4 %, then half a cosine down to 2 %."""
    warm = max(1, steps // 25)
    if step < warm:
        return (step + 1) / warm
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))


def loss_of(model: LlamaForCausalLM, rows: Tensor) -> Tensor:
    """Mean nats per token; padding does not count."""
    return model(input_ids=rows, labels=rows.masked_fill(rows == 0, -100), use_cache=False).loss


def pretrain(folder: Path, count: int) -> dict[str, object]:
    """Train on `count` documents and write model, tokenizer, held-out text and recipe to `folder`."""
    torch.manual_seed(SEED)
    folder.mkdir(parents=True, exist_ok=True)
    save_tokenizer(folder)
    write_heldout(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    digest = hashlib.sha256()
    for text in documents(count):
        digest.update(text.encode() + b"\0")
    rows = pack(documents(count), tokenizer)
    rows = rows[torch.randperm(len(rows), generator=torch.Generator().manual_seed(SEED))]
    test = pack(iter(heldout_texts()), tokenizer)
    model = LlamaForCausalLM(config())
    seconds, losses = _train(model, rows)
    with torch.no_grad():
        plain = float(loss_of(model, test))
    model.save_pretrained(folder)
    recipe: dict[str, object] = {
        "documents": count,
        "mix": {name: share for name, (share, _) in MIX.items()},
        "tokens": int((rows != 0).sum()),
        "steps": len(losses),
        "batch": BATCH,
        "length": LENGTH,
        "peak_learning_rate": PEAK_RATE,
        "seeds": {"corpus": TRAIN_SEED, "weights": SEED},
        "corpus_sha256": digest.hexdigest(),
        "final_loss": round(sum(losses[-20:]) / 20, 4),
        "test_plain_loss": round(plain, 4),
        "seconds": round(seconds),
    }
    (folder / "pretraining.json").write_text(json.dumps(recipe, indent=2) + "\n")
    return recipe


def write_heldout(folder: Path) -> None:
    """Write the held-out plain text, one JSON object per line."""
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in heldout_texts()]
    (folder / "plain_test.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _train(model: LlamaForCausalLM, rows: Tensor) -> tuple[float, list[float]]:
    """One pass over the rows; returns seconds and the loss of every step."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=PEAK_RATE, betas=(0.9, 0.95), weight_decay=0.05)
    steps = len(rows) // BATCH
    losses: list[float] = []
    began = time.perf_counter()
    model.train()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = PEAK_RATE * rate(step, steps)
        loss = loss_of(model, rows[step * BATCH : (step + 1) * BATCH])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
        if step % 50 == 0 or step == steps - 1:
            spent = time.perf_counter() - began
            left = spent / (step + 1) * (steps - step - 1)
            print(f"step {step + 1}/{steps}  loss {losses[-1]:.3f}  {left:.0f} s left", flush=True)
    model.eval()
    return time.perf_counter() - began, losses
