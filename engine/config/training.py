"""Settings of the training loop, the same for every method."""

from dataclasses import dataclass

from engine.core.settings import Settings, setting
from engine.data.head_spec import SpanSpec

SCHEDULES = ("cosine", "linear", "constant", "constant_with_warmup")
KEPT = ("newest", "best")
DEVICES = ("auto", "cpu", "cuda")
KERNELS = ("auto", "math", "efficient", "flash", "cudnn")
TRUST = ("trust_remote_code", "pickled_weights")
"""Names of the settings that trust the authors of one model. No file can switch them on: see `RunConfig.from_dict`."""
LOADING = ("precision", "device", "attention", *TRUST)
"""Names of the settings that determine how a base is loaded."""
SAME_RESULT = ("micro_batches", "gradient_checkpointing", "processes", "accelerate_config")
"""Names of the settings that trade memory for time, and may change when a run goes on: they change only rounding."""
ON_RESUME = (*SAME_RESULT, "steps")
"""Names of all settings that may change when a run goes on. More steps make a longer run of it: see `Resuming`."""


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(Settings):
    """Settings of optimisation, validation, checkpoints, precision and the task head."""

    steps: int = setting(300, "Optimiser updates in all.", low=1, high=1_000_000, unit="steps")
    learning_rate: float | None = setting(
        None, "Size of an update; empty takes the rate that suits the method.", low=1e-8, high=10.0, log=True
    )
    batch_size: int = setting(16, "Rows per update.", low=1, high=1024, unit="rows")
    seed: int = setting(0, "Number that fixes the first values and the order of rows.", low=0, high=2**31 - 1)
    micro_batches: int = setting(
        1,
        "Split every batch into this many parts to save memory.",
        was="accumulation",
        low=1,
        high=256,
        unit="parts",
        advanced=True,
    )
    schedule: str = setting("cosine", "How the learning rate falls over the run.", choices=SCHEDULES, advanced=True)
    warmup_ratio: float = setting(
        0.06,
        "Share of the steps in which the rate climbs from zero.",
        was="warmup_share",
        low=0.0,
        high=0.9,
        advanced=True,
    )
    weight_decay: float = setting(
        0.0, "Decay of the weights towards zero; not applied to gates.", low=0.0, high=1.0, advanced=True
    )
    max_grad_norm: float = setting(
        1.0, "Largest allowed norm of a gradient; 0 switches it off.", was="clip", low=0.0, high=1e6, advanced=True
    )
    eval_every: int | None = setting(
        None,
        "Steps between validations; empty makes about fifteen in a run, or as many as take a tenth of its time.",
        low=1,
        unit="steps",
        advanced=True,
    )
    patience: int | None = setting(
        None,
        "Stop after so many validations in a row without a better loss; empty trains to the end.",
        low=1,
        high=100_000,
        unit="validations",
        advanced=True,
    )
    min_delta: float = setting(
        0.0,
        "By how much the validation loss must fall to count as better for patience.",
        low=0.0,
        high=100.0,
        advanced=True,
    )
    keep: str = setting(
        "newest",
        "Which state becomes the adapter: the newest, or the one with the lowest validation loss.",
        choices=KEPT,
        advanced=True,
    )
    score_rows: int = setting(
        50,
        "Test rows that are answered at the end of a run for its score; 0 leaves it out.",
        low=0,
        high=100_000,
        unit="rows",
        advanced=True,
    )
    save_every: int = setting(
        50, "Steps between checkpoints: what a killed run can lose.", low=1, unit="steps", advanced=True
    )
    max_seq_len: int = setting(
        256,
        "Longest row in tokens; longer prompts lose their beginning.",
        was="max_len",
        low=8,
        high=131_072,
        advanced=True,
    )
    precision: str = setting(
        "fp32",
        "Number format of the frozen base; the adapter is always fp32. auto is bf16 on a GPU and fp32 on a CPU.",
        choices=("auto", "fp32", "bf16", "fp16", "int8", "nf4"),
        advanced=True,
    )
    gradient_checkpointing: bool = setting(
        default=False,
        help="Compute activations again in the backward pass: less memory, more time.",
        was="checkpointing",
        advanced=True,
    )
    processes: int = setting(
        1,
        "Processes that share every batch, each with the whole base: one for each GPU, or for some cores.",
        low=1,
        high=4096,
        unit="processes",
        advanced=True,
    )
    accelerate_config: str = setting(
        "",
        "Accelerate config file in YAML that starts the processes on this machine; empty starts as many as processes "
        "says. Of its entries, num_processes replaces processes, and precision replaces mixed_precision.",
        advanced=True,
    )
    device: str = setting(
        "auto",
        "Where the base and the adapter are; auto takes a GPU where PyTorch sees one.",
        choices=DEVICES,
        advanced=True,
    )
    attention: str = setting(
        "auto",
        "Which of PyTorch's attention kernels comes first; where it cannot serve a batch, the next one does. auto "
        "leaves the order to PyTorch, math is plain arithmetic.",
        choices=KERNELS,
        advanced=True,
    )
    trust_remote_code: bool = setting(
        default=False,
        help="Let the model's own Python files run on this machine; only for models whose authors you trust.",
        advanced=True,
    )
    pickled_weights: bool = setting(
        default=False,
        help="Read weights from pickles (*.bin) where a model has no safetensors; only tensors are taken out of them.",
        advanced=True,
    )
    head: str = setting(
        "auto",
        "How a label is predicted: generated as text, or by a linear head trained with the method; auto takes a head "
        "for models that cannot generate text.",
        choices=("auto", "words", "head"),
        advanced=True,
    )
    pooling: str = setting(
        "auto",
        "Which token a head reads: the first, the last, or the mean of all; auto is the last where tokens only look "
        "back, else the first.",
        choices=("auto", "first", "last", "mean"),
        advanced=True,
    )
    token_types: str = setting(
        "auto",
        "Whether an encoder tells the second of two texts by its token type, as BERT was pre-trained; auto does, but "
        "for encoders of sentence-transformers, which were trained on single texts.",
        choices=("auto", "yes", "no"),
        advanced=True,
    )
    window_overlap: int = setting(
        64,
        "Tokens that two windows share where a head marks answers in texts longer than max_seq_len.",
        low=0,
        high=131_072,
        advanced=True,
    )
    answer_tokens: int = setting(
        30, "Most tokens of an answer that a head marks in a text.", low=1, high=131_072, advanced=True
    )
    head_rate: float | None = setting(
        None, "Learning rate of the head; empty takes one that suits most heads.", low=1e-8, high=10.0, advanced=True
    )

    @property
    def span(self) -> SpanSpec:
        """How a head marks answers in texts; whether some texts hold none is for the data to say."""
        return SpanSpec(
            window=self.max_seq_len, overlap=self.window_overlap, longest=self.answer_tokens, abstains=False
        )

    @property
    def loading(self) -> dict[str, object]:
        """Arguments of `load_base` that differ from its defaults."""
        named = {name: getattr(self, name) for name in LOADING if name != "precision"}
        return {name: value for name, value in named.items() if value not in ("auto", False)}

    @property
    def steps_between_evals(self) -> int:
        """Steps between validations, at least: without `eval_every` some are left out where they take too long."""
        return self.eval_every or max(1, self.steps // 15)
