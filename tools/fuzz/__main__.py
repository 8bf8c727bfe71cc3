"""`python -m tools.fuzz --minutes 3 [--seed N] [--target NAME ...]`: try odd input until the time is over.

`--seconds 60` is for continuous integration, `--minutes 240` for hours by hand. It ends within a case, at most
`cases.LIMIT_S`, after its time.
"""

import argparse
import sys
import time
import traceback
from collections import Counter
from random import Random

from tools.fuzz.cases import Finding, one_case
from tools.fuzz.targets import TARGETS


def main() -> int:
    """Exit code 1 if something was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=3, help="how long (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=None, help="the same in seconds, for a short share")
    parser.add_argument("--cases", type=int, default=sys.maxsize, help="end after so many cases, if earlier")
    parser.add_argument("--seed", type=int, default=None, help="of the cases; the clock's if not given")
    parser.add_argument("--target", nargs="+", choices=sorted(TARGETS), default=sorted(TARGETS), help="what is tried")
    parser.add_argument("--case", help="one case alone, as a finding names it: target:seed:number")
    args = parser.parse_args()
    if args.case:
        target, seed, number = args.case.split(":")
        finding = one_case(target, int(seed), int(number))
        print(finding.text if finding else "nothing")
        return int(finding is not None)
    budget = 60 * args.minutes if args.seconds is None else args.seconds
    seed = args.seed if args.seed is not None else int(time.time())
    findings, tried, end = dict[tuple[str, ...], Finding](), Counter[str](), time.monotonic() + budget
    order, number = Random(seed), 0
    while time.monotonic() < end and number < args.cases:
        target = order.choice(args.target)
        finding = one_case(target, seed, number)
        tried[target] += 1
        number += 1
        if finding is not None and finding.place not in findings:
            findings[finding.place] = finding
            print(f"--case {target}:{seed}:{number - 1}\n{finding.text}", flush=True)
    print(f"seed {seed}: " + ", ".join(f"{count} {name}" for name, count in sorted(tried.items())))
    print(f"{len(findings)} findings")
    return int(bool(findings))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        traceback.print_exc(limit=0)
        sys.exit(130)
