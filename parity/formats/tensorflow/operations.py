"""Which operations of a TensorFlow graph reach outside of it, end the process or wait.

Outside are files, the network, other processes and Python. A loop that never ends is not found.

Read by field number (tensorflow/core/protobuf/saved_model.proto,
meta_graph.proto and tensorflow/core/framework/{graph,function,node_def,op_def}.proto).
"""

import os
import re
from typing import Dict, Iterator, List, NamedTuple, Set, Tuple

from ..protobuf import Message

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


def reaches_outside(op: str) -> bool:
    """Whether an operation of TensorFlow does one of these."""
    return bool(_OUTSIDE.fullmatch(op) or _CHECKPOINT.fullmatch(op))


def of_graph(meta: Message) -> List[str]:
    """What in a MetaGraphDef reads, writes, connects, calls Python, ends or waits."""
    nodes: List[Node] = []
    functions: Dict[str, List[Node]] = {}
    prefixed: Set[str] = set()
    for graph in meta.messages(2):
        nodes += map(_node, graph.messages(1))
        for library in graph.messages(2):
            for function in library.messages(1):
                name, takes_prefix = _signature(function)
                functions[name] = [_node(one) for one in function.messages(3)]
                if takes_prefix:
                    prefixed.add(name)
    found = list(_assets(meta))
    called = {name for body in functions.values() for node in body for name in node.calls}
    served = _served(nodes, _outputs(meta))
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


def _node(message: Message) -> Node:
    op = message.text(2)
    calls = [
        name
        for attribute in message.messages(5)
        for value in attribute.messages(2)
        for name in _functions_of(value)
    ]
    inputs = tuple(name.lstrip("^").split(":")[0] for name in message.texts(3))
    return Node(message.text(1), op, inputs, (*calls, op))


def _functions_of(value: Message) -> Iterator[str]:
    """The function names in an attribute: ``func`` (10), also inside ``list`` (1, then 9)."""
    holders = [(value, 10)] + [(part, 9) for part in value.messages(1)]
    for holder, number in holders:
        for function in holder.messages(number):
            yield from function.texts(1)


def _signature(function: Message) -> Tuple[str, bool]:
    """A function's name, and whether its first argument is the checkpoint's ``file_prefix``.

    Of a field that is there twice the last one counts, and messages become one.
    """
    name = ""
    arguments: List[str] = []
    for signature in function.messages(1):
        name = signature.text(1) if signature.texts(1) else name
        for argument in signature.messages(2):
            arguments += argument.texts(1)[-1:]
    return name, arguments[:1] == ["file_prefix"]


def _assets(meta: Message) -> Iterator[str]:
    """Assets outside of their folder: MetaGraphDef.asset_file_def 6, AssetFileDef.filename 2."""
    for asset in meta.messages(6):
        for name in asset.texts(2):
            if os.path.isabs(name) or ".." in re.split(r"[/\\]", name):
                yield f"its asset {name} names a path outside of its folder"


def _outputs(meta: Message) -> Set[str]:
    """The nodes that the signatures serve, and those that are run at start."""
    return {
        name.split(":")[0]
        for entry in meta.messages(5)
        for signature in entry.messages(2)
        for output in signature.messages(2)
        for tensor in output.messages(2)
        for name in tensor.texts(1)
    }


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
