"""First values of A and B that are taken from the frozen weight W.

    PiSSA (Meng, Wang, Zhang 2024, https://arxiv.org/abs/2404.02948): W = U S V^T; B A is its best rank-r part,
        B = U_r sqrt(S_r / scale), A = sqrt(S_r / scale) V_r^T
    OLoRA (Büyükakyüz 2024, https://arxiv.org/abs/2406.01775): W = Q R; B = Q_r, A = R_r

Both papers, and HF peft, train them on W - scale B A in place of W.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def principal(
    init: str, weight: Float[Tensor, "o i"], rank: int, scale: float
) -> tuple[Float[Tensor, "r i"], Float[Tensor, "o r"]]:
    """A and B of a start, in fp32; beyond the smaller side of W their directions are zero."""
    if init == "pissa":
        u, s, vh = torch.linalg.svd(weight.float(), full_matrices=False)
        root = (s[:rank] / scale).sqrt()
        a, b = root[:, None] * vh[:rank], u[:, :rank] * root
    else:
        q, r = torch.linalg.qr(weight.float())
        a, b = r[:rank], q[:, :rank]
    missing = rank - len(a)
    return torch.nn.functional.pad(a, (0, 0, 0, missing)), torch.nn.functional.pad(b, (0, missing))
