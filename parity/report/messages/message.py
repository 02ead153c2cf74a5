"""Messages about one image or one runtime: what disagrees, by how much, allowed how much.

Pure functions of records; each returns text of one or more lines without a newline at its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from parity.agreement import Finding, Share
from parity.record import ImageRecord, RuntimeRecord
from parity.report import numbers
from parity.report.messages.inputs import input_text, inputs_text
from parity.report.messages.offending import rows_table
from parity.report.messages.scene import Scene, of_image, of_runtime
from parity.report.messages.wording import advice, sentence
from parity.report.text import lines, padded, printable, wrapped

MOST_IMAGES = 10
WIDTH = 110  # of a sentence; what a name makes longer stays longer
_INDENT = 2  # columns of a block below its title

LIMITS = {
    "box": "box differs",
    "score": "score differs",
    "risen": "score risen",
    "lost": "lost",
    "extra": "extra",
    "class": "other class",
    "excused": "excused",
    "unjudgeable": "unjudgeable",
}


def image_message(
    image: ImageRecord,
    runtime: RuntimeRecord,
    classes: Sequence[str],
    *,
    hints: bool = True,
    wide: int | None = None,
) -> str:
    """Why one runtime failed on one image: findings, the worst rows, where to look.

    ``classes`` are the suite's names. ``hints = False`` leaves out where to look. ``wide`` is the
    longest line of sentences and of the rows' table; without it rows are as long as they are.
    """
    name = f"{printable(runtime.name)} on {printable(image.image)}"
    if image.failure is not None:
        return "\n".join([f"{name} could not be judged", *_indented(lines(image.failure.message))])
    if image.verdict == "pass":
        return f"{name} agrees with {_against(runtime)} {_tolerance(runtime)}"
    scene = of_image(image, runtime, classes)
    return "\n".join(
        [
            *_title(f"{name} disagrees with {_against(runtime)} {_tolerance(runtime)}", wide),
            *_indented(_wrapped(_said(input_text(image, runtime.recipe_keys)), wide)),
            *_indented(_wrapped([*_counts(image), *_said_of(image.findings, scene)], wide)),
            *_block("", _rows(scene, wide)),
            *(_where_to_look(image.findings, runtime, scene, wide) if hints else ()),
        ]
    )


def runtime_message(
    runtime: RuntimeRecord, classes: Sequence[str], *, wide: int | None = None
) -> str:
    """The verdict of one runtime over all images: budgets, findings, failed images, hints.

    ``wide`` is that of ``image_message``.
    """
    name = printable(runtime.name)
    if runtime.failure is not None:
        verb = "was skipped" if runtime.verdict == "skipped" else "could not be judged"
        return "\n".join([f"{name} {verb}", *_indented(lines(runtime.failure.message))])
    if runtime.verdict is None:
        return f"{name} is the reference and was not judged"
    scene = of_runtime(runtime, classes)
    budget = runtime.budget
    findings = () if budget is None else budget.findings
    every = [*findings, *(one for image in runtime.images for one in image.findings)]
    return "\n".join(
        [
            *_title(
                f"{name} {_verb(runtime)} {_against(runtime)} over {_images(runtime)} "
                f"{_tolerance(runtime)}",
                wide,
            ),
            *_indented(_wrapped(_said(inputs_text(runtime)), wide)),
            *_shares(runtime),
            *_block("", _wrapped(_said_of(findings, scene), wide)),
            *_block("", [] if runtime.tolerance.strict or not findings else _rows(scene, wide)),
            *_block(_failed_title(runtime), _failed_images(runtime)),
            *_where_to_look(every, runtime, scene, wide),
        ]
    )


def budget_lines(shares: Iterable[Share]) -> list[str]:
    """One line a limit: what was found, what is allowed, how much of the budget that is.

    No lines where there was nothing to find anything in.
    """
    listed = list(shares)
    if not any(share.total or share.count for share in listed):
        return []
    found = [numbers.found(share) for share in listed]
    name_width = max((len(LIMITS.get(share.code, share.code)) for share in listed), default=0)
    return [
        f"{padded(LIMITS.get(share.code, share.code), name_width)}  {text}, {_allowed(share)}"
        for share, text in zip(listed, found, strict=True)
    ]


def codes(findings: Iterable[Finding]) -> str:
    """Findings in short: "lost 2, score 1, nonfinite"."""
    counts: Counter[str] = Counter()
    for finding in findings:
        counts[printable(finding.code)] += int(finding.facts.get("count", 0) or 0)
    return ", ".join(f"{code} {count}" if count else code for code, count in counts.items())


def _allowed(share: Share) -> str:
    used = numbers.budget_used(share)
    text = numbers.allowed(share) + (f" → {used}" if used else "")
    return text if share.holds else f"{text}  << too many"


def _title(text: str, wide: int | None) -> list[str]:
    return [text] if wide is None else wrapped(text, wide, "    ")


def _against(runtime: RuntimeRecord) -> str:
    if runtime.role == "reference":
        return "its own golden"
    if runtime.against == "expected":
        return "what was expected"
    return "the golden" if runtime.against == "golden" else "the native reference"


def _tolerance(runtime: RuntimeRecord) -> str:
    return f"(tolerance {printable(runtime.tolerance.name)})"


def _verb(runtime: RuntimeRecord) -> str:
    return {"pass": "agrees with", "fail": "disagrees with"}.get(
        str(runtime.verdict), "could not be judged on every image against"
    )


def _counts(image: ImageRecord) -> list[str]:
    found = image.agreement
    if found is None:
        return ["no detections were compared"]
    pairs = [row for row in found.rows if row.judged]
    ties = sum(row.tie for row in found.rows)
    border = sum(row.kind == "borderline" for row in pairs)
    within = sum(row.within for row in pairs)
    tied = f"; {numbers.counted(ties, 'tie')} of NMS, top-k or threshold" if ties else ""
    return [
        f"{numbers.counted(found.reference_deployed, 'detection')} of the reference, "
        f"{found.candidate_deployed} of the candidate: {numbers.counted(len(pairs), 'pair')}"
        f"{f', {border} of them borderline' if border else ''}, {within} within every limit{tied}"
    ]


def _images(runtime: RuntimeRecord) -> str:
    return numbers.counted(len(runtime.images), "image")


def _said(sentence: str) -> list[str]:
    return [sentence] if sentence else []


def _shares(runtime: RuntimeRecord) -> list[str]:
    """The budget; where some images have no verdict, with what it is of."""
    listed = budget_lines(() if runtime.budget is None else runtime.budget.shares)
    if runtime.verdict != "error":
        return _indented(listed)
    judged = sum(1 for image in runtime.images if image.failure is None)
    title = (
        f"on the {judged} of {_images(runtime)} that could be judged, which decide nothing alone"
    )
    return _block(title, listed)


def _failed_title(runtime: RuntimeRecord) -> str:
    return f"{len(runtime.failed_images())} of {_images(runtime)} did not pass"


def _failed_images(runtime: RuntimeRecord) -> list[str]:
    """The failed images; of those that failed for one reason, the first with the reason in full."""
    failed = runtime.failed_images()
    alike: dict[tuple[str, str], int] = Counter(
        image.failure.likeness for image in failed if image.failure is not None
    )
    found: list[str] = []
    told: set[tuple[str, str]] = set()
    shown = 0
    for image in failed:
        if image.failure is None:
            found.append(f"{printable(image.image)}: {codes(image.findings)}")
            shown += 1
        elif image.failure.likeness not in told:
            told.add(image.failure.likeness)
            first, *rest = lines(image.failure.message)
            others = alike[image.failure.likeness] - 1
            more = f" (and {others} more)" if others else ""
            found.append(f"{printable(image.image)}{more}: could not be judged: {first}")
            found += [f"  {line.strip()}" for line in rest]
            shown += 1 + others
        if shown >= MOST_IMAGES:
            break
    if len(failed) > shown:
        found.append(f"and {len(failed) - shown} more")
    return found


def _said_of(findings: Iterable[Finding], scene: Scene) -> list[str]:
    return [sentence(one, scene) for one in findings]


def _rows(scene: Scene, wide: int | None) -> list[str]:
    places = ((place.image, place.row) for place in scene.places)
    room = None if wide is None else wide - _INDENT
    return rows_table(places, scene.tolerance, scene.classes, room)


def _where_to_look(
    findings: Iterable[Finding], runtime: RuntimeRecord, scene: Scene, wide: int | None
) -> list[str]:
    flips = sum(one.row.flipped for one in scene.pairs)
    if 2 * flips < len(scene.pairs) or any(": then " in hint for hint in runtime.hints):
        findings = [one for one in findings if one.code != "class"]  # the list of classes is right
    return [
        *_block("notes", _wrapped((printable(note) for note in runtime.notes), wide)),
        *_block("hints", _wrapped((printable(hint) for hint in runtime.hints), wide)),
        *_block("look at", _wrapped(advice(findings), wide)),
    ]


def _wrapped(sentences: Iterable[str], wide: int | None) -> list[str]:
    """Long lines broken at spaces, each but the first set in; short enough for any block."""
    longest = WIDTH if wide is None else max(wide - 2 * _INDENT, 20)
    return [line for one in sentences for line in wrapped(one, longest, "    ")]


def _block(title: str, content: Sequence[str]) -> list[str]:
    """Lines below a title, set apart by an empty line; nothing where there is nothing."""
    if not content:
        return []
    if not title:
        return ["", *_indented(content)]
    return ["", *_indented([f"{title}:", *_indented(content)])]


def _indented(content: Iterable[str]) -> list[str]:
    return [" " * _INDENT + line if line else line for line in content]
