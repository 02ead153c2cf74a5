"""Why a model file does not load, in sentences: expected, found, where, what to do.

Each function is given an adapter's facts, and with them ``runtime``, its name, and its ``table``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from parity import runtimes
from parity.runtimes.contract import Descriptor
from parity.suite import RuntimeTable

Facts = Mapping[str, Any]
_READABLE = 160  # characters of a library's own words where there are shorter ones
_SAFETENSORS = "Read it once with safetensors.torch.load_file and write it with torch.save"
_OUTSIDE = "it reads weights from outside of its folder"
_PICKLED = (
    "If you trust whoever made it, read it once with pickle.load, make tensors of what it holds, "
    "and write them with torch.save"
)
_RESTORE = "It holds weights alone: restore them in TensorFlow and save the whole model"
_CUSTOM = "options = {{ custom_objects = 'module:function' }} under [runtimes.{runtime}]"
_ELSEWHERE = "export the model without it, or run it by a program that knows it (kind = 'command')"
_REGISTER = {
    "module": "Put it beside parity.toml, or install its package.",
    "class": "Install the version that has it, or put the module that defines it beside "
    "parity.toml.",
}
_NO_REGISTRY = f"Ops cannot be registered from here: {_ELSEWHERE}."


def missing_file(facts: Facts) -> str:
    """Nothing is there."""
    remedy = "Correct the path in parity.toml, or put the file there."
    if is_exported(facts):
        remedy = "Export it (parity export SUITE) or correct the path in parity.toml."
    return f"expected a model file at {facts['path']}, found nothing. {remedy}"


def is_exported(facts: Facts) -> bool:
    """Whether ``parity export`` makes the file that an error is about."""
    table: RuntimeTable = facts["table"]
    return table.export is not None and not _is_weights(facts)


def _is_weights(facts: Facts) -> bool:
    """Whether an error is about the file of weights beside a factory."""
    weights = facts["table"].weights
    return bool(weights) and str(facts["path"]).endswith(str(weights))


def _kind(facts: Facts) -> Descriptor:
    """What the kind of the runtime is known to take."""
    return runtimes.descriptor(facts["table"].kind)


def _opener(facts: Facts) -> str | None:
    """The kind of runtime that opens what was found."""
    found = runtimes.opener(str(facts["content"]))
    return None if found is None else found.kind


def _again(facts: Facts, otherwise: str) -> str:
    return "export it again (parity export SUITE)" if is_exported(facts) else otherwise


def _place(facts: Facts) -> str:
    return f"expected {facts['expected']} at {facts['path']}, found "


def not_loadable(facts: Facts) -> str:
    """The library refused it, and nobody knows more than its words."""
    found, reason = str(facts["found"]), str(facts.get("reason", ""))
    if facts.get("content") == "unreadable":
        return f"{_place(facts)}{found}. Name a file, and see that whoever runs parity may read it."
    if found in str(facts["expected"]):
        found = "one that does not load"
    if reason and not reason.startswith(f"the file is {found}"):
        found += f": {reason.rstrip('.')}"
    if "author" in facts:
        found += f" ({facts['author']} saved it)"
    return f"{_place(facts)}{found}. {_correct(facts)}"


def _correct(facts: Facts) -> str:
    key = "weights" if _is_weights(facts) else "kind or model"
    return f"Correct {key} in parity.toml, or {_again(facts, 'put another file there')}."


def other_format(facts: Facts) -> str:
    """Sound, perhaps, and nothing that this kind of runtime opens."""
    if "needed" in facts:  # the library goes by the name
        named = PurePath(str(facts["path"]))
        return (
            f"{_place(facts)}{facts['found']} that is named {named.suffix or 'without an ending'}. "
            f"Keras goes by the name: rename it to {named.stem}{facts['needed']}."
        )
    if facts["content"] in ("zip", "packed"):
        return f"{_place(facts)}{facts['found']}. Unpack it and name what is inside."
    if facts["content"] == "safetensors":
        return f"{_place(facts)}{facts['found']}. {_SAFETENSORS}."
    if facts["content"] == "pickle" and "pickle" in _kind(facts).weights:
        return f"{_place(facts)}{facts['found']}. {_PICKLED}."
    if facts["content"] == "checkpoint":
        return f"{_place(facts)}{facts['found']}. {_RESTORE}."
    kind = _opener(facts)
    if kind is None or kind == facts["table"].kind:
        return f"{_place(facts)}{facts['found']}. {_correct(facts)}"
    return (
        f"{_place(facts)}{facts['found']}. If it is the right file, say kind = '{kind}' under "
        f"[runtimes.{facts['runtime']}]; otherwise correct model, or "
        f"{_again(facts, 'put another file there')}."
    )


def not_downloaded(facts: Facts) -> str:
    """A pointer or a page."""
    remedy = "Fetch it with git lfs pull."
    if facts["content"] == "html":
        remedy = "A page was saved in its place: download the file again."
    return f"{_place(facts)}{facts['found']}. {remedy}"


def damaged(facts: Facts) -> str:
    """Empty, cut off, corrupt."""
    found = str(facts["found"])
    if "content" not in facts:  # of the right kind, as far as anybody has read
        found = f"one that is cut off or corrupt ({str(facts['reason']).rstrip('.')})"
    return f"{_place(facts)}{found}. Copy it again as a whole, or {_again(facts, 'save it again')}."


def external_data(facts: Facts) -> str:
    """Weights beside the model."""
    copy, otherwise = "Copy that file too", "save the model in one file"
    if "savedmodel" in _kind(facts).opens:
        copy, otherwise = "Copy the whole folder", "save the model again"
    return (
        f"{_place(facts)}that its file of weights {facts['file']} {facts['problem']}. {copy}, or "
        f"{_again(facts, otherwise)}."
    )


def version(facts: Facts) -> str:
    """Too new, or too old."""
    if "saved" in facts:
        return _of_another_version(facts)
    library, too = str(facts["library"]), facts["too"]
    name = library.split(" ")[0]
    detail = facts.get("detail")
    if facts["limit"]:
        detail = f"it reads {'from' if too == 'old' else 'up to'} {facts['limit']}"
    more = f" ({detail})" if detail else ""
    key = "python" if name == "Python" else "requires"
    remedy = f"Save it for an older version, or give this runtime a newer {name}"
    if too == "old":
        remedy = f"Save it again with a newer version, or give this runtime an older {name}"
    return (
        f"expected {facts['expected']} that {library} reads at {facts['path']}, found "
        f"{facts['what']} {facts['found']}, which is too {too}{more}. {remedy} ({key} under "
        f"[runtimes.{facts['runtime']}])."
    )


def _of_another_version(facts: Facts) -> str:
    """Who saved the file, who tried to load it, and what to do about it."""
    library = facts["library"]
    saved, opened = (_release(str(facts[key])) for key in ("saved", "opened"))
    remedies = [
        f"load it with {library} {saved} (requires and python of a runtime give it an environment "
        f"of its own)",
        f"save it with {library} {opened}",
    ]
    remedies += [str(facts["instead"])] if facts["instead"] else []
    reason = str(facts["reason"]).rstrip(".")
    if len(reason) > _READABLE:
        reason = str(facts.get("detail") or reason)
    return (
        f"expected {facts['expected']} that {library} {facts['opened']} ({facts['place']}) can "
        f"load at {facts['path']}, found one that {library} {facts['saved']} saved: {reason}. "
        f"What helps: {'; or '.join(remedies)}."
    )


def _release(version: str) -> str:
    """Two numbers of a version: what only fixes defects changes no format."""
    return ".".join(version.split(".")[:2])


def not_registered(facts: Facts) -> str:
    """A layer, op or class without a home."""
    detail, what = str(facts["detail"]), str(facts["what"])
    if "lacks" in facts:
        lacks, remedy = _of_onnx(facts)
    else:
        lacks = "which is not registered"
        remedy = _REGISTER.get(what) or _kind(facts).unregistered or _NO_REGISTRY
    return (
        f"expected {facts['expected']} of which {facts['library']} knows every part at "
        f"{facts['path']}, found the {what} {facts['name']}{' ' * bool(detail)}{detail}, {lacks}. "
        f"{remedy.format(runtime=facts['runtime'])}"
    )


def _of_onnx(facts: Facts) -> tuple[str, str]:
    """What an op of ONNX lacks, and what helps: another opset only where one has it."""
    first, lacks = facts.get("first"), facts["lacks"]
    if lacks == "place":
        gone = facts.get("since")
        since, older = (
            (f" in opset {gone}", f"opset {gone - 1}") if gone else ("", "an older opset")
        )
        remedy = f"Export it for {older}, or again by an exporter that knows what replaced it."
        return f"which ONNX has withdrawn{since}", remedy
    if lacks == "kernel":
        float32 = ["export the model in float32"] if facts.get("float32", True) else []
        later = (
            [f"export it for opset {first} or later, with kernels for more types"] if first else []
        )
        ways = _either([*float32, *later, _ELSEWHERE])
        return "and it has no kernel of that op for these types", ways
    if "first" not in facts:  # a build that does not tell its ops
        ways = _either(["export it for a later opset, if one has that op", _ELSEWHERE])
        return "which is not registered", ways
    if first:
        ways = _either([f"export it for opset {first} or later", _ELSEWHERE])
        return f"which came with opset {first}", ways
    near = "".join(f" (near: {name})" for name in facts["near"])
    return f"which no opset has{near}", _either([_ELSEWHERE])


def _either(ways: list[str]) -> str:
    told = ", or ".join(ways)
    return f"{told[0].upper()}{told[1:]}."


def flex(facts: Facts) -> str:
    """TensorFlow's ops in a TFLite file."""
    return (
        f"expected {facts['expected']} of TFLite's own ops at {facts['path']}, found the op "
        f"{facts['name']} of TensorFlow (Flex), and {facts['library']} has no Flex delegate. "
        f"Convert it again without SELECT_TF_OPS, or run the model as kind = 'savedmodel'."
    )


def weights_alone(facts: Facts) -> str:
    """A state dict where a model is wanted."""
    name, ours = PurePath(str(facts["path"])).name, "state-dict" in _kind(facts).weights
    content = facts.get("content")
    kind = "" if ours else "kind = 'torch', "
    beside = f"say {kind}model = 'module:factory' and weights = "
    remedy = (
        f"Save the whole model and name that, or say model = 'module:factory' and weights = "
        f"'{name}' under [runtimes.{facts['runtime']}]"
    )
    if content == "safetensors":
        remedy = f"{_SAFETENSORS}, and {beside}that file"
    elif content == "state-dict":
        or_else = ", or export a TorchScript file or a .pt2" if ours else ""
        remedy = (
            f"The code that builds the network belongs to it: {beside}'{name}' under "
            f"[runtimes.{facts['runtime']}]{or_else}"
        )
    return f"{_place(facts)}{facts['found']}. {remedy}."


def model_as_weights(facts: Facts) -> str:
    """A model where a state dict is wanted."""
    name = facts["table"].weights
    kind = _opener(facts)
    said = ""
    if kind is not None:
        other = "" if kind == facts["table"].kind else f"kind = '{kind}', "
        said = (
            f"say {other}model = '{name}' without weights under [runtimes.{facts['runtime']}], or "
        )
    return f"{_place(facts)}{facts['found']}. It is a whole model: {said}save its state_dict()."


def untrusted(facts: Facts) -> str:
    """Code of its own."""
    findings = "; ".join(map(str, facts["findings"]))
    if all(str(one).startswith(_OUTSIDE) for one in facts["findings"]):  # trust mends nothing
        return (
            f"expected a model whose weights are in its own folder at {facts['path']}, found that "
            f"{findings}, which ONNX Runtime refuses too. Save the model again with its weights "
            f"beside it or in one file."
        )
    remedy = "export it again" if is_exported(facts) else "put a whole one there"
    damaged = f" The file may be damaged: {remedy}." if "cannot be scanned" in findings else ""
    custom = ""
    if "custom_objects" in _kind(facts).options and "is not Keras' own" in findings:
        custom = f", and name its classes in {_CUSTOM.format(runtime=facts['runtime'])}"
    return (
        f"expected a model without code of its own at {facts['path']}, found {findings}.{damaged} "
        f"If you trust whoever made it, say trust = true under [runtimes.{facts['runtime']}]"
        f"{custom}."
    )
