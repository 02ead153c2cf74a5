"""What is done to zip archives, to the pickles, programs and JSON documents in them.

``canary`` is a path: what is planted would make that file, were it ever run.
"""

from __future__ import annotations

import base64
import io
import json
import marshal
import pickletools
import random
import struct
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

from spoiled_bytes import spoiled

Member = tuple[str, bytes]
_HUGE = (-1, 2**31 - 1, 2**63, 10**30, 0)


def archive(data: bytes, rng: random.Random, canary: str) -> bytes:
    """Members renamed, doubled, dropped, swapped, spoiled; or the table of contents."""
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        members = [(name, source.read(name)) for name in source.namelist()]
    edit = rng.choice((_renamed, _doubled, _dropped, _swapped, *[_inside] * 12, _table, _table))
    if edit is _table:
        return _table(data, rng)
    members = edit(members, rng, canary)
    buffer = io.BytesIO()
    kind = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", kind) as target:
        warnings.simplefilter("ignore")
        for name, content in members:
            target.writestr(name, content)
    return buffer.getvalue()


def _renamed(members: list[Member], rng: random.Random, canary: str) -> list[Member]:
    at = rng.randrange(len(members))
    name, content = members[at]
    tail = name.rsplit("/", 1)[-1]
    other = rng.choice(
        ("../" + tail, canary, tail, tail.upper(), name + "\0x", "x/" + name, name * 400, "")
    )
    return [*members[:at], (other, content), *members[at + 1 :]]


def _doubled(members: list[Member], rng: random.Random, canary: str) -> list[Member]:
    name, content = rng.choice(members)
    return [*members, (rng.choice((name, name.upper())), spoiled(content or b"x", rng))]


def _dropped(members: list[Member], rng: random.Random, canary: str) -> list[Member]:
    at = rng.randrange(len(members))
    return members[:at] + members[at + 1 :]


def _swapped(members: list[Member], rng: random.Random, canary: str) -> list[Member]:
    a, b = rng.randrange(len(members)), rng.randrange(len(members))
    found = list(members)
    found[a], found[b] = (members[a][0], members[b][1]), (members[b][0], members[a][1])
    return found


def _inside(members: list[Member], rng: random.Random, canary: str) -> list[Member]:
    """Something of one member, with a checksum that holds."""
    worth = [at for at, (name, _) in enumerate(members) if name.endswith(tuple(_INSIDE))]
    at = rng.choice(worth or range(len(members)))
    name, content = members[at]
    change = next((one for tail, one in _INSIDE.items() if name.endswith(tail)), None)
    try:
        found = change(content, rng, canary) if change else spoiled(content, rng)
    except Exception:  # what an edit before has left is not of its format any more
        found = spoiled(content, rng)
    return [*members[:at], (name, found), *members[at + 1 :]]


def _table(data: bytes, rng: random.Random, canary: str = "") -> bytes:
    """Lengths, offsets, methods and flags in the central directory and in its end."""
    found = bytearray(data)
    signature, fields = rng.choice(
        ((b"PK\1\2", (6, 8, 10, 16, 20, 24, 28, 30, 42)), (b"PK\5\6", (8, 10, 12, 16, 20)),
         (b"PK\3\4", (6, 8, 14, 18, 22, 26, 28)))
    )  # fmt: skip
    places = []
    at = data.find(signature)
    while at >= 0:
        places.append(at)
        at = data.find(signature, at + 1)
    start = rng.choice(places) + rng.choice(fields)
    value = rng.choice((0, 1, 99, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF))
    found[start : start + 4] = struct.pack("<I", value)
    return bytes(found[: len(data)])


# Pickles


def pickled(data: bytes, rng: random.Random, canary: str) -> bytes:
    """Operations dropped, doubled, exchanged, made huge; calls planted."""
    starts = [at for _, _, at in pickletools.genops(data) if at is not None]
    ops = [data[a:b] for a, b in zip(starts, [*starts[1:], starts[-1] + 1], strict=True)]
    rest = data[starts[-1] + 1 :]
    at = rng.randrange(len(ops))
    planted = rng.choice(_calls(canary))
    edit = rng.randrange(7)
    if edit == 0:
        del ops[at]
    elif edit == 1:
        ops.insert(at, rng.choice(ops))
    elif edit == 2:
        other = rng.randrange(len(ops))
        ops[at], ops[other] = ops[other], ops[at]
    elif edit == 3:
        ops.insert(at, rng.choice(_OPS))
    elif edit == 4:
        ops.insert(at, planted + b"0")
    elif edit == 5:
        ops[-1:] = [planted, b"."]
    else:
        ops = [planted.split(b"(")[0] if op[:1] == b"c" else op for op in ops]
    return b"".join(ops) + rest


_OPS = (
    b"r\xff\xff\xff\x7f", b"j\xff\xff\xff\x7f", b"\x8d" + struct.pack("<Q", 2**40) + b"x",
    b"\x8e" + struct.pack("<Q", 2**62), b"\x80\xff", b"\x95" + struct.pack("<Q", 2**50),
    b"(" * 20000 + b"t" * 20000, b"\x82\x01", b"\x97", b"\x98", b"Q", b"R", b"b", b"\x93", b"\x92",
    b"I99999999999999999999\n", b"L" + b"9" * 9000 + b"L\n", b"h\x00h\x00a", b"X\xff\xff\xff\x7f",
)  # fmt: skip


def _calls(canary: str) -> tuple[bytes, ...]:
    """Ways in which a pickle makes a file, all of them calls."""
    touch, name = f"touch {canary}".encode(), canary.encode()
    code = f"open({canary!r}, 'w')".encode()
    return (
        b"cposix\nsystem\n(S'" + touch + b"'\ntR",
        b"cos\nsystem\n(V" + touch + b"\ntR",
        b"(S'" + touch + b"'\niposix\nsystem\n",
        b"(cposix\nsystem\nS'" + touch + b"'\no",
        b"c__builtin__\neval\n(V" + code + b"\ntR",
        b"cbuiltins\nexec\n(V" + code + b"\ntR",
        b"cio\nopen\n(V" + name + b"\nVw\ntR",
        b"\x8c\x02os\x8c\x06system\x93(V" + touch + b"\ntR",
        b"\x8c\x06system\x94\x8c\x02os\x94h\x01h\x00\x93(V" + touch + b"\ntR",
        b"ctorch.storage\n_load_from_bytes\n(Vx\ntR",
        b"ctorch.serialization\nload\n(V" + name + b"\ntR",
        b"ctorch._utils\n_rebuild_tensor_v2\n(I1\nI2\ntR",
        b"ctorch.hub\nload_state_dict_from_url\n(V" + name + b"\ntR",
        b"ccollections\nOrderedDict\n)R(Vx\nI1\nub",
        b"cpathlib\nPath.touch\n(cpathlib\nPosixPath\n(V" + name + b"\ntRtR",
    )


# Programs


def program(data: bytes, rng: random.Random, canary: str) -> bytes:
    """A line of TorchScript more, less, twice, or one that would write a file."""
    lines = data.decode().splitlines()
    at = rng.randrange(len(lines))
    indent = " " * (len(lines[at]) - len(lines[at].lstrip()))
    evil = rng.choice(
        (f'torch.save(input, "{canary}")', f'(torch.save)(input, "{canary}")',
         f'torch.save # x\\n(input, "{canary}")', f'ops.aten.save(input, "{canary}")',
         f'(getattr)(torch, "save")(input, "{canary}")',
         f'w = torch.from_file("{canary}", True, 9)',
         'w = uninitialized(Tensor)', 'w = __torch__.torch.classes.x.y()', "import os")
    )  # fmt: skip
    edit = rng.randrange(5)
    if edit == 0:
        del lines[at]
    elif edit == 1:
        lines.insert(at, lines[rng.randrange(len(lines))])
    elif edit == 2:
        lines[at] = spoiled(lines[at].encode(), rng).decode("utf-8", "replace")
    else:
        lines.insert(at, indent + evil.replace("\\n", "\n"))
    return ("\n".join(lines) + "\n").encode()


# JSON


def document(data: bytes, rng: random.Random, canary: str) -> bytes:
    """One to three values of a JSON document changed; code planted."""
    value = json.loads(data)
    for _ in range(rng.randint(1, 3)):
        _edited(value, rng, canary)
    return json.dumps(value).encode()


def _edited(value: Any, rng: random.Random, canary: str) -> None:
    places: list[tuple[Any, Any]] = []
    todo = [value]
    while todo:
        one = todo.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one))
        places += [(one, key) for key in keys]
        todo += [one[key] for key in keys if isinstance(one[key], dict | list)]
    holder, key = rng.choice(places)
    edit = rng.randrange(5)
    if edit == 0:
        del holder[key]
    elif edit == 1 and isinstance(holder, list):
        holder.insert(key, holder[key])
    elif edit == 2:
        holder[key] = rng.choice(
            (None, True, -1, 1e308, "", "x" * 5000, [], {}, *_HUGE, [[]] * 99, {"a": {"b": []}})
        )
    else:
        layers = [
            at for at in places if isinstance(at[0][at[1]], dict) and "class_name" in at[0][at[1]]
        ]
        holder, key = rng.choice(layers or places)
        holder[key] = rng.choice(_codes(canary))


def _codes(canary: str) -> tuple[Any, ...]:
    """What Keras and torch would run, were it not found before."""
    text = f"open({canary!r}, 'w') and None"
    raw = base64.b64encode(marshal.dumps(compile(text, "x", "eval"))).decode()
    function = {
        "class_name": "__lambda__",
        "config": {"code": raw, "defaults": None, "closure": None},
    }
    inner = {"class_name": "Lambda", "config": {"name": "z", "function": function}}
    return (
        {"module": "keras.layers", **inner, "registered_name": None},
        {"module": "keras", "class_name": "layers.Lambda", "config": inner["config"]},
        {"class_name": "Lambda", "config": {"name": "z", "function": [raw, None, None]}},
        {"class_name": "TimeDistributed", "module": "keras.layers", "config": {"layer": inner}},
        {"class_name": "Bidirectional", "module": "keras.layers", "config": {"layer": inner}},
        {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
        {"module": "builtins", "class_name": "function", "config": "exec"},
        {"module": "keras.utils", "class_name": "get_file", "config": {"fname": canary}},
        {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": canary}},
        {"class_name": "TFOpLambda", "config": {"function": "io.write_file", "name": "z"}},
        {"class_name": "StringLookup", "module": "keras.layers", "config": {"vocabulary": canary}},
        {"class_name": "Custom>Net", "config": {}, "registered_name": "Custom>Net"},
        f"__import__('os').system('touch {canary}')",
        {"as_expr": {"expr_str": text}}, {"use_pickle": 1}, {"as_custom_obj": {"name": "x"}},
    )  # fmt: skip


Change = Callable[[bytes, random.Random, str], bytes]


def _weights(data: bytes, rng: random.Random, canary: str) -> bytes:
    from spoiled_formats import hdf5

    return hdf5(data, rng, canary)


_INSIDE: dict[str, Change] = {
    ".pkl": pickled,
    ".py": program,
    ".json": document,
    ".h5": _weights,
    ".pt": archive,
}
