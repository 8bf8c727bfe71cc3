"""Metrics of free text against one or more references, computed by sacrebleu and rouge-score, which papers report.

Both are imported when something is scored: training does not need them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from engine.evaluation.facts import facts_said


@dataclass(frozen=True, kw_only=True, slots=True)
class TextMetrics:
    """Metrics of generated text, all from 0 to 100; higher is better.

    Attributes:
        bleu: Corpus BLEU: shared n-grams of up to four words, with sacrebleu's default tokenisation.
        chrf: Corpus chrF2: shared character n-grams of up to six; suits languages without spaces as well.
        rouge1: Shared words (F1), mean over the questions of the best reference. rouge-score keeps only Latin
            letters and digits: for other scripts, use chrF.
        rouge_l: Longest common subsequence of words (F1), likewise.
        facts: Where every question lists values, the share of these that the answers say; see `facts_said`.
        questions: Number of different questions; one may have several references.
        signature: sacrebleu's signature of how BLEU was computed, to be reported with it.
    """

    bleu: float
    chrf: float
    rouge1: float
    rouge_l: float
    facts: float | None
    questions: int
    signature: str


def text_metrics(questions: Sequence[str], references: Sequence[str], answers: Sequence[str]) -> TextMetrics:
    """Compare answers with references, row by row; rows with one question are several references for it.

    Args:
        questions: The question of every row, at least one; what stands behind a NUL only tells it from others.
        references: The reference of every row.
        answers: The answer to every row; equal for rows with the same question.
    """
    from rouge_score.rouge_scorer import RougeScorer  # noqa: PLC0415 - takes seconds to load
    from sacrebleu.metrics.bleu import BLEU  # noqa: PLC0415 - likewise
    from sacrebleu.metrics.chrf import CHRF  # noqa: PLC0415 - likewise

    references_of: dict[str, list[str]] = {}
    for question, reference in zip(questions, references, strict=True):
        references_of.setdefault(question, []).append(reference)
    answer_to = dict(zip(questions, answers, strict=True))
    hypotheses = [answer_to[question] for question in references_of]
    # sacrebleu takes one list per index of a reference; it is None for a question that has fewer.
    most = max(map(len, references_of.values()))
    streams: list[Any] = [
        [texts[i] if i < len(texts) else None for texts in references_of.values()] for i in range(most)
    ]
    bleu, scorer = BLEU(), RougeScorer(["rouge1", "rougeL"], use_stemmer=True)
    rouge = [scorer.score_multi(texts, answer_to[question]) for question, texts in references_of.items()]
    return TextMetrics(
        bleu=round(bleu.corpus_score(hypotheses, streams).score, 2),
        chrf=round(CHRF().corpus_score(hypotheses, streams).score, 2),
        rouge1=round(100 * fmean(scores["rouge1"].fmeasure for scores in rouge), 2),
        rouge_l=round(100 * fmean(scores["rougeL"].fmeasure for scores in rouge), 2),
        facts=facts_said([question.partition("\0")[0] for question in references_of], hypotheses),
        questions=len(references_of),
        signature=str(bleu.get_signature()),
    )
