"""Which operations of a SavedModel reach outside of it, end the process or wait. Nothing is loaded.

Outside are files, the network, other processes and Python. A loop that never ends is not found.

Read from ``saved_model.pb`` by field number (tensorflow/core/protobuf/saved_model.proto,
meta_graph.proto and tensorflow/core/framework/{graph,function,node_def,op_def}.proto).
"""

import mmap
import os
import re
from typing import Any, Dict, Iterator, List, NamedTuple, Set, Tuple

from ..formats import wire

_OUTSIDE = re.compile(
    r"(Stateless)?(Eager)?PyFunc(Stateless)?"
    r"|ReadFile|WriteFile|MatchingFiles|ImmutableConst|Debug\w*|DumpTensor|PrintV2"
    r"|(WholeFile|TextLine|FixedLengthRecord|TFRecord|LMDB|BigQuery)Reader(V\d)?"
    r"|\w*(TFRecord|TextLine|FixedLengthRecord|LMDB|Sql|MatchingFiles|DataService|CSV"
    r"|SnapshotChunks)Dataset(V\d)?"
    r"|DatasetFromGraph|\w*DatasetToTFRecord|DistributedSave|RecordInput"
    r"|CalibrationStatisticsSaver|CollectiveInitializeCommunicator|\w*TRT(Engine|Resource)\w*"
    r"|(Save|Load|Snapshot|Cache|Generator|Register)\w*Dataset(Reader|Writer)?(V\d)?"
    r"|InitializeTableFromTextFile(V2)?|DecodeProtoV2|EncodeProto"
    r"|(Create|Write|Import|Flush|Close)\w*Summary\w*|WriteRawProtoSummary|ImportEvent"
    r"|(Try)?Rpc\w*|RemoteCall|RemoteFusedGraphExecute|FileSystemSetConfiguration"
    r"|DeleteMemoryCache|LoadAndRemapMatrix|LoadDataset|LoadTPU\w*|RetrieveTPU\w*"
    r"|GenerateBigQueryReaderPartitions|GenerateVocabRemapping|CheckpointsCombine"
    r"|DTensorRestoreV2|Skipgram|FixedUnigramCandidateSampler"  # both samplers read a file
    r"|Abort|_?XlaCustomCall(V2)?"  # ends the process; calls a native function by its name
    r"|Copy(Host)?"  # as the debugger puts them in, with an address to send to
    r"|(Experimental)?SleepDataset|Sleep(Identity)?Op|_?(Host)?(Send|Recv)|Xla(Send|Recv)"
    r"|Collective\w*|Barrier\w*|MutexLock|(Reader|Queue)(Read|Dequeue)\w*|(Stage|OrderedMap|Map)Peek"
    r"|(OrderedMap|Map)?Unstage(NoKey)?|(Sparse|Resource)?AccumulatorTakeGradient"  # all these wait
    r"|\w+>\w+"  # an operation of a library that is loaded beside TensorFlow
)
_CHECKPOINT = re.compile(r"(Save|Restore)(V2|Slices|Slice)?|MergeV2Checkpoints")
_STANDARD = re.compile(r"__inference__traced_(save|restore)_\d+")


class Node(NamedTuple):
    """One operation: its name, type, inputs and the functions that it names."""

    name: str
    op: str
    inputs: Tuple[str, ...]
    calls: Tuple[str, ...]


def findings(folder: str) -> List[str]:
    """What in the SavedModel at ``folder`` reads, writes, connects, calls Python, ends or waits."""
    path = os.path.join(folder, "saved_model.pb")
    found = [
        f"{other} cannot be scanned"
        for other in ("saved_model.pbtxt", "saved_model.cpb")
        if os.path.exists(os.path.join(folder, other))
    ]
    found += _links(folder)
    if not os.path.isfile(path):
        return found
    if os.path.getsize(path) == 0:
        return found
    with open(path, "rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for top in wire.fields(data):
            if top.number == 2 and top.wire == wire.BYTES:
                found += _meta_graph(data, top)
    return sorted(set(found))


def reaches_outside(op: str) -> bool:
    """Whether an operation of TensorFlow does one of these."""
    return bool(_OUTSIDE.fullmatch(op) or _CHECKPOINT.fullmatch(op))


def _links(folder: str) -> Iterator[str]:
    """Files that lie elsewhere: whoever sends a folder can have it read others of this machine."""
    inside = os.path.realpath(folder) + os.sep
    for at, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(at, name)
            if not os.path.realpath(path).startswith(inside):
                yield f"its {os.path.relpath(path, folder)} is a link to outside of its folder"


def _meta_graph(data: Any, meta: wire.Field) -> List[str]:
    nodes: List[Node] = []
    functions: Dict[str, List[Node]] = {}
    prefixed: Set[str] = set()
    for graph in wire.children(data, meta, 2):
        nodes += [_node(data, field) for field in wire.children(data, graph, 1)]
        for library in wire.children(data, graph, 2):
            for function in wire.children(data, library, 1):
                name, takes_prefix = _signature(data, function)
                functions[name] = [_node(data, field) for field in wire.children(data, function, 3)]
                if takes_prefix:
                    prefixed.add(name)
    found = list(_assets(data, meta))
    called = {name for body in functions.values() for node in body for name in node.calls}
    served = _served(nodes, _outputs(data, meta))
    found += _outside("the graph", nodes)
    found += [
        f"the graph runs {node.op} when it is served ({node.name})"
        for node in nodes
        if _CHECKPOINT.fullmatch(node.op) and node.name in served
    ]
    for name, body in functions.items():
        found += _outside(f"function {name}", body)
        standard = _STANDARD.fullmatch(name) and name in prefixed and name not in called
        for node in body:
            if _CHECKPOINT.fullmatch(node.op) and not standard:
                found.append(f"function {name} runs {node.op} ({node.name})")
    return found


def _outside(where: str, nodes: List[Node]) -> Iterator[str]:
    for node in nodes:
        if _OUTSIDE.fullmatch(node.op):
            yield f"{where} runs {node.op} ({node.name})"


def _node(data: Any, parent: wire.Field) -> Node:
    name = op = ""
    inputs: List[str] = []
    calls: List[str] = []
    for field in wire.fields(data, parent.start, parent.end):
        if field.wire != wire.BYTES:
            continue
        if field.number == 1:
            name = wire.text(data, field)
        elif field.number == 2:
            op = wire.text(data, field)
        elif field.number == 3:
            inputs.append(wire.text(data, field).lstrip("^").split(":")[0])
        elif field.number == 5:
            for value in wire.children(data, field, 2):
                calls += _functions_of(data, value)
    return Node(name, op, tuple(inputs), (*calls, op))


def _functions_of(data: Any, value: wire.Field) -> Iterator[str]:
    """The function names in an attribute: ``func`` (10), also inside ``list`` (1, then 9)."""
    holders = [(value, 10)] + [(part, 9) for part in wire.children(data, value, 1)]
    for holder, number in holders:
        for function in wire.children(data, holder, number):
            for name in wire.children(data, function, 1):
                yield wire.text(data, name)


def _signature(data: Any, function: wire.Field) -> Tuple[str, bool]:
    """A function's name, and whether its first argument is the checkpoint's ``file_prefix``.

    Of a field that is there twice the last one counts, and messages become one.
    """
    name = ""
    arguments: List[str] = []
    for signature in wire.children(data, function, 1):
        for field in wire.children(data, signature, 1):
            name = wire.text(data, field)
        for argument in wire.children(data, signature, 2):
            names = [wire.text(data, field) for field in wire.children(data, argument, 1)]
            arguments += names[-1:]
    return name, arguments[:1] == ["file_prefix"]


def _assets(data: Any, meta: wire.Field) -> Iterator[str]:
    """Assets outside of their folder: MetaGraphDef.asset_file_def 6, AssetFileDef.filename 2."""
    for asset in wire.children(data, meta, 6):
        for field in wire.children(data, asset, 2):
            name = wire.text(data, field)
            if os.path.isabs(name) or ".." in re.split(r"[/\\]", name):
                yield f"its asset {name} names a path outside of its folder"


def _outputs(data: Any, meta: wire.Field) -> Set[str]:
    """The nodes that the signatures serve, and those that are run at start."""
    found: Set[str] = set()
    for entry in wire.children(data, meta, 5):
        for signature in wire.children(data, entry, 2):
            for output in wire.children(data, signature, 2):
                for tensor in wire.children(data, output, 2):
                    for name in wire.children(data, tensor, 1):
                        found.add(wire.text(data, name).split(":")[0])
    return found


def _served(nodes: List[Node], wanted: Set[str]) -> Set[str]:
    by_name = {node.name: node for node in nodes}
    todo, seen = list(wanted), set(wanted)
    while todo:
        node = by_name.get(todo.pop())
        for name in node.inputs if node else ():
            if name not in seen:
                seen.add(name)
                todo.append(name)
    return seen
