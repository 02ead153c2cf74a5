"""What can be asked for on the command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from parity.cli.epilogs import CODES, EXAMPLES, LAYERS, ROUNDTRIP
from parity.version import __version__

_SUITE = "a parity.toml, or the folder that holds it"


def parser() -> argparse.ArgumentParser:
    """The parser of ``parity``; ``command`` of its answer names a function of ``commands``."""
    root = argparse.ArgumentParser(
        prog="parity",
        description="One detector, every runtime, the same detections.",
        epilog=EXAMPLES + CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    root.add_argument("--version", action="version", version=f"parity {__version__}")
    root.set_defaults(command=None)
    commands = root.add_subparsers(title="commands", metavar="COMMAND")
    _check(commands)
    _record(commands)
    _export(commands)
    _layers(commands)
    _init(commands)
    _matrix(commands)
    _inspect(commands)
    _doctor(commands)
    _env(commands)
    return root


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    does: str,
    epilog: str = CODES,
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=does,
        description=f"{does[0].upper()}{does[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.set_defaults(command=name)
    return command


def _check(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "check",
        "judge runtimes against the reference on every image",
        f"{ROUNDTRIP}\n{CODES}",
    )
    command.add_argument("suites", nargs="+", type=Path, metavar="SUITE", help=_SUITE)
    _runtimes(command, "judge only these")
    command.add_argument(
        "--allow-missing",
        action="store_true",
        help="skip runtimes whose library is not installed, instead of failing with 3",
    )
    command.add_argument(
        "--reference",
        choices=("auto", "golden"),
        default="auto",
        help="auto: the native runtime, or the recorded golden where it is not installed; "
        "golden: the recorded golden in any case (default: %(default)s)",
    )
    command.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="write results.json, detections.csv and summary.md to DIR/<detector>",
    )
    command.add_argument(
        "--json",
        action="store_true",
        help="print the results as JSON, and nothing else, to the standard output: "
        "one object for one suite, a list for several",
    )
    command.add_argument(
        "--roundtrip",
        action="store_true",
        help="instead, save and read back the native models (keras, torch) in each format of their "
        "framework, and say which of them lost what, and why",
    )


def _record(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _command(
        commands, "record", "run the reference on every image and write the suite's goldens anew"
    )
    command.add_argument("suite", type=Path, metavar="SUITE", help=_SUITE)


def _export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _command(commands, "export", "make the model files whose export the suite declares")
    command.add_argument("suite", type=Path, metavar="SUITE", help=_SUITE)
    _runtimes(command, "export only these")
    command.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="write below DIR instead of beside the suite",
    )


def _layers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _command(
        commands, "layers", "find the layer that introduces a candidate's error", LAYERS
    )
    command.add_argument("suite", type=Path, metavar="SUITE", help=_SUITE)
    _runtimes(command, "look at these candidates", "all but the reference")
    command.add_argument(
        "--images",
        type=_count,
        metavar="N",
        help="compare on the first N images (default: 4)",
    )
    command.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="write DIR/<detector>/layers-<runtime>.csv and .svg, and for the 3 most suspicious "
        "layers a folder in DIR/<detector>/replay-<runtime>/ with the op alone, what it is fed, "
        "what comes out in the reference and here, and replay.py, which compares them",
    )


def _init(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _command(
        commands, "init", "look at model files of one detector and propose a parity.toml for them"
    )
    command.add_argument(
        "models", nargs="+", type=Path, metavar="MODEL", help="a model file, or a SavedModel folder"
    )
    command.add_argument(
        "--images",
        metavar="GLOB",
        help="a pattern of image files, quoted; the first is run (default: a synthetic picture)",
    )
    command.add_argument("--classes", type=Path, metavar="FILE", help="the class names, one a line")
    command.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write the proposal to FILE, a new parity.toml, instead of printing it",
    )
    command.add_argument(
        "--force", action="store_true", help="overwrite the file that --output names"
    )


def _matrix(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _command(
        commands,
        "matrix",
        "run a runtime in several versions, options or models, and say which one changed it",
    )
    command.add_argument("suite", type=Path, metavar="SUITE", help=_SUITE)
    command.add_argument(
        "--rows",
        type=_names,
        metavar="A,B",
        help="run only these [[matrix]] rows (names of the suite, default: all)",
    )
    command.add_argument(
        "--allow-missing",
        action="store_true",
        help="skip cells whose library or environment is missing here, instead of failing with 3",
    )
    command.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="write matrix.csv and matrix.md to DIR/<detector>",
    )
    _json(command)


def _inspect(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _command(
        commands, "inspect", "tell what model files are by their content, without running them"
    )
    command.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="a file, or a SavedModel folder"
    )
    command.add_argument(
        "--no-load",
        dest="load",
        action="store_false",
        help="read the files only; try no runtime on them",
    )
    _json(command)


def _doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _command(
        commands, "doctor", "tell which runtimes are installed, what is missing, and what differs"
    )
    _json(command)


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--json", action="store_true", help="print JSON, and nothing else, to the standard output"
    )


def _env(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = _command(commands, "env", "list or remove the environments that runtimes have")
    actions = command.add_subparsers(
        title="actions", metavar="ACTION", dest="action", required=True
    )
    does = "list what was built, with what it holds and how large it is"
    actions.add_parser("list", help=does, description=does, allow_abbrev=False)
    does = "remove environments; a runtime that needs one builds it again"
    remove = actions.add_parser("remove", help=does, description=does, allow_abbrev=False)
    remove.add_argument("names", nargs="*", metavar="NAME", help="as listed, or how it begins")
    remove.add_argument("--all", action="store_true", help="every one")


def _runtimes(command: argparse.ArgumentParser, does: str, default: str = "all") -> None:
    command.add_argument(
        "--runtimes",
        type=_names,
        metavar="A,B",
        help=f"{does} (names of the suite, default: {default})",
    )


def _count(text: str) -> int:
    try:
        count = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number of images, found {text!r}") from None
    if count < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1 image, found {count}")
    return count


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise argparse.ArgumentTypeError(f"expected names with commas between them, found {text!r}")
    return names
