"""Configs of bases that people know, most of them large: of these no test loads weights."""

from transformers import BertConfig, GPT2Config, LlamaConfig, Qwen3Config, RobertaConfig


def llama(d, layers, inner, heads, groups, words, **others):
    """A model of the Llama family."""
    return LlamaConfig(
        hidden_size=d, num_hidden_layers=layers, intermediate_size=inner, num_attention_heads=heads,
        num_key_value_heads=groups, vocab_size=words, **others,
    )  # fmt: skip


def encoder(kind, d, layers, words, **others):
    """A model of BERT's or RoBERTa's family."""
    return kind(
        hidden_size=d, num_hidden_layers=layers, num_attention_heads=d // 64, intermediate_size=4 * d,
        vocab_size=words, **others,
    )  # fmt: skip


BASES = {
    "SmolLM2-135M": llama(576, 30, 1536, 9, 3, 49_152, tie_word_embeddings=True),
    "SmolLM2-360M": llama(960, 32, 2560, 15, 5, 49_152, tie_word_embeddings=True),
    "bert-base": encoder(BertConfig, 768, 12, 30_522),
    "bert-large": encoder(BertConfig, 1024, 24, 30_522),
    "roberta-base": encoder(RobertaConfig, 768, 12, 50_265, max_position_embeddings=514),
    "roberta-large": encoder(RobertaConfig, 1024, 24, 50_265, max_position_embeddings=514),
    "gpt2": GPT2Config(),
    "gpt2-xl": GPT2Config(n_embd=1600, n_layer=48, n_head=25),
    "Qwen3-0.6B": Qwen3Config(
        hidden_size=1024, num_hidden_layers=28, intermediate_size=3072, num_attention_heads=16, num_key_value_heads=8,
        head_dim=128, vocab_size=151_936, tie_word_embeddings=True,
    ),
    "Llama-3.2-1B": llama(2048, 16, 8192, 32, 8, 128_256, head_dim=64, tie_word_embeddings=True),
    "Llama-7B": llama(4096, 32, 11_008, 32, 32, 32_000),
    "Llama-70B": llama(8192, 80, 28_672, 64, 8, 128_256),
    "distilgpt2": GPT2Config(n_layer=6),
    "bert-small": encoder(BertConfig, 512, 4, 30_522),
}  # fmt: skip
"""By name; all but the last two have 100 million parameters or more."""
