"""Scores of free text against one or more references, by the libraries that papers report: sacrebleu and rouge-score.

They are loaded when something is scored: training needs none of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class TextMetrics:
    """How near answers come to their references; all from 0 to 100, higher is better.

    Attributes:
        bleu: Corpus BLEU: shared runs of up to four words, with sacrebleu's own tokens.
        chrf: Corpus chrF2: shared runs of up to six characters; for languages without spaces as well.
        rouge1: Shared words (F1), mean over the questions of the best reference. ROUGE knows words of Latin letters and
            digits alone: for others, read chrF.
        rouge_l: Longest common subsequence of words (F1), likewise.
        questions: Different questions; one that has several references is asked once.
        signature: How BLEU was computed, as sacrebleu reports it, to be quoted beside the number.
    """

    bleu: float
    chrf: float
    rouge1: float
    rouge_l: float
    questions: int
    signature: str


def text_metrics(asked: Sequence[str], references: Sequence[str], answers: Sequence[str]) -> TextMetrics:
    """Compare answers with references, row by row; rows that ask the same are one question with many references.

    Args:
        asked: The question of every row, at least one.
        references: What each row wants to hear.
        answers: What was answered; rows that ask the same were answered the same.
    """
    from rouge_score.rouge_scorer import RougeScorer  # noqa: PLC0415 - takes seconds to load
    from sacrebleu.metrics.bleu import BLEU  # noqa: PLC0415 - likewise
    from sacrebleu.metrics.chrf import CHRF  # noqa: PLC0415 - likewise

    wanted: dict[str, list[str]] = {}
    for question, reference in zip(asked, references, strict=True):
        wanted.setdefault(question, []).append(reference)
    said = dict(zip(asked, answers, strict=True))
    hypotheses = [said[question] for question in wanted]
    most = max(map(len, wanted.values()))
    # sacrebleu wants one list per number of a reference; None stands where a question has fewer.
    streams: list[Any] = [[found[i] if i < len(found) else None for found in wanted.values()] for i in range(most)]
    bleu, scorer = BLEU(), RougeScorer(["rouge1", "rougeL"], use_stemmer=True)
    rouge = [scorer.score_multi(found, said[question]) for question, found in wanted.items()]
    return TextMetrics(
        bleu=round(bleu.corpus_score(hypotheses, streams).score, 2),
        chrf=round(CHRF().corpus_score(hypotheses, streams).score, 2),
        rouge1=round(100 * fmean(found["rouge1"].fmeasure for found in rouge), 2),
        rouge_l=round(100 * fmean(found["rougeL"].fmeasure for found in rouge), 2),
        questions=len(wanted),
        signature=str(bleu.get_signature()),
    )
