"""The town of Lindwick: a small invented world, and the base model, tokenizer and datasets made of it."""
