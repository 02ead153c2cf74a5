"""``module:function`` names, looked up in the suite's own folder or in installed packages only.

The working directory and the rest of ``sys.path`` are never searched. A module of a suite is
loaded under a name that is unique to its folder, so two suites may both have a ``net.py``. While
it is imported, and inside ``siblings(folder)``, it may import the other files of its folder by
their plain names.
"""

import contextlib
import difflib
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import re
import site
import sys
import sysconfig
import threading
from types import ModuleType
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Set

from ..contract import AdapterError

REFERENCE = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)")
_LOCK = threading.RLock()
# A file called torch.py may hold the torch factory; inside it, "import torch" is still torch.
_RESERVED = re.compile(
    r"numpy|scipy|torch|torchvision|tensorflow|keras|tf_keras|onnx|onnxruntime|ai_edge_litert"
    r"|tflite_runtime|jax|cv2|PIL|h5py|parity"
)
_STANDARD = set(getattr(sys, "stdlib_module_names", sys.builtin_module_names))


def resolve(reference: str, folder: Optional[str]) -> Callable[..., Any]:
    """The callable that ``reference`` names; AdapterError ``bad-reference`` says why not."""
    match = REFERENCE.fullmatch(reference)
    if not match:
        raise _bad(reference, 'it must look like "module:function"')
    value: Any = _module(reference, match.group(1), folder)
    for name in match.group(2).split("."):
        if not hasattr(value, name):
            raise _bad(reference, _no_attribute(match.group(1), name, value, folder))
        value = getattr(value, name)
    if not callable(value):
        raise _bad(reference, f"it is of type {type(value).__name__}, not callable")
    return value  # type: ignore[no-any-return]


def _module(reference: str, name: str, folder: Optional[str]) -> ModuleType:
    path = file_of(name, folder) if folder else None
    if not path or not folder:
        return _installed(reference, name, folder)
    if not os.path.realpath(path).startswith(os.path.realpath(folder).rstrip(os.sep) + os.sep):
        raise _bad(reference, f"{path} lies outside of the suite's folder")
    with siblings(folder):
        try:
            return importlib.import_module(_package(folder) + "." + name)
        except (Exception, SystemExit) as error:
            kind, file = type(error).__name__, os.path.basename(path)
            why = f"importing {file} raised {kind}: {str(error)[:300]}{_meant(error, folder)}"
            raise _bad(reference, why, broken=file) from error


def file_of(name: str, folder: str) -> Optional[str]:
    """The file of a module of the suite's folder, by the name that a reference gives it."""
    base = os.path.join(folder, *name.split("."))
    for path in (base + ".py", os.path.join(base, "__init__.py")):
        if os.path.isfile(path):
            return path
    return None


def _package(folder: str) -> str:
    """The name under which this folder is a package, registered on first use."""
    real = os.path.realpath(folder)
    name = (
        "_parity_suite_" + hashlib.sha256(real.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    )
    if name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = [real]
        sys.modules[name] = package
    return name


@contextlib.contextmanager
def siblings(folder: Optional[str]) -> Iterator[None]:
    """Inside, the modules of ``folder`` can be imported by their plain names; outside, never."""
    if not folder:
        yield
        return
    with _LOCK:
        names = own_names(folder)
        aside = _take(names)
        finder = _Siblings(_package(folder), names)
        bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        sys.meta_path.insert(0, finder)
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.meta_path.remove(finder)
            sys.dont_write_bytecode = bytecode
            _take(names)
            sys.modules.update(aside)


class _Siblings(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers a plain name of the folder with the module of the folder's own package."""

    def __init__(self, package: str, names: Set[str]) -> None:
        self.package, self.names = package, names

    def find_spec(
        self, fullname: str, path: Any, target: Any = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if _top(fullname) not in self.names:
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.package + "." + spec.name)
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:  # the import system has put the plain name's spec there
            module.__spec__ = module.__spec__.loader_state


def _take(names: Set[str]) -> Dict[str, ModuleType]:
    return {key: sys.modules.pop(key) for key in list(sys.modules) if _top(key) in names}


def own_names(folder: str) -> Set[str]:
    """What modules of ``folder`` may import from it by plain names."""
    names = set()
    for entry in os.listdir(folder):
        path = os.path.join(folder, entry)
        stem, extension = os.path.splitext(entry)
        if extension == ".py" or (os.path.isdir(path) and _holds_python(path)):
            names.add(stem)
    names = {name for name in names if name.isidentifier() and not _RESERVED.fullmatch(name)}
    return names - _STANDARD


def stand_ins(folder: str) -> Dict[str, str]:
    """Modules of ``folder`` that were imported here and have the name of another module.

    By name: "installed" or "Python's own", which is what the name means everywhere else.
    """
    prefix = _package(folder) + "."
    own = {key[len(prefix) :] for key in list(sys.modules) if key.startswith(prefix)}
    found = {name: _elsewhere(name) for name in sorted(own) if "." not in name}
    return {name: other for name, other in found.items() if other}


def hiding(module: str) -> str:
    """The file that Python finds for a module before the installed one; "" where there is none."""
    top = _top(module)
    first = importlib.machinery.PathFinder.find_spec(top)
    installed = importlib.machinery.PathFinder.find_spec(top, _installed_paths())
    if first is None or installed is None or _places(first) == _places(installed):
        return ""
    return ", ".join(_places(first))


def _elsewhere(name: str) -> str:
    """Whose module a top-level name is outside of the suite's folder; "" for nobody's."""
    if name in _STANDARD:
        return "Python's own"
    installed = importlib.machinery.PathFinder.find_spec(name, _installed_paths())
    return "installed" if installed is not None else ""


def _meant(error: BaseException, folder: str) -> str:
    """What to do about a module that was not found, or another than the suite's was."""
    name = getattr(error, "name", None) if isinstance(error, ImportError) else None
    if isinstance(error, AttributeError):
        name = getattr(getattr(error, "obj", None), "__name__", None)
    top = _top(str(name or ""))
    mine = file_of(top, folder) if top.isidentifier() else None
    if mine and top not in own_names(folder):
        where = os.path.relpath(mine, folder)
        other = _elsewhere(top).replace("installed", "the installed one")
        return f"; {top} is {other} there, not {where} of the suite's folder: rename that"
    if isinstance(error, ModuleNotFoundError) and top:
        return f"; install what has {top}, or put {top}.py into the suite's folder"
    return ""


def _holds_python(path: str) -> bool:
    return any(entry.endswith(".py") for entry in os.listdir(path))


def _top(name: str) -> str:
    return name.partition(".")[0]


def _installed(reference: str, name: str, folder: Optional[str]) -> ModuleType:
    top = _top(name)
    spec = importlib.machinery.PathFinder.find_spec(top, _installed_paths())
    if spec is None:
        raise _bad(reference, _no_module(name, folder))
    loaded = sys.modules.get(top)
    found = loaded.__spec__ if loaded is not None else importlib.util.find_spec(top)
    if found is not None and _places(found) != _places(spec):
        why = "{} hides the installed module {}".format(", ".join(_places(found)), top)
        raise _bad(reference, why)
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and (name + ".").startswith(missing + "."):
            raise _bad(reference, _no_module(name, folder)) from error
        why = f"importing {name} raised {type(error).__name__}: {str(error)[:300]}"
        raise _bad(reference, why, broken=name) from error


def _places(spec: importlib.machinery.ModuleSpec) -> List[str]:
    places: Sequence[str] = [spec.origin] if spec.origin else []
    return [os.path.realpath(place) for place in places or spec.submodule_search_locations or ()]


def _installed_paths() -> List[str]:
    """The site-packages folders and what their .pth files add (editable installations)."""
    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    folders += getattr(site, "getsitepackages", list)()
    if getattr(site, "ENABLE_USER_SITE", False):
        folders.append(site.getusersitepackages())
    paths = [path for path in dict.fromkeys(folders) if path and os.path.isdir(path)]
    for folder in list(paths):
        for entry in sorted(os.listdir(folder)):
            if entry.endswith(".pth"):
                paths += _lines(os.path.join(folder, entry))
    return paths


def _lines(path: str) -> List[str]:
    with open(path, encoding="utf-8", errors="replace") as handle:
        lines = [line.strip() for line in handle]
    return [line for line in lines if os.path.isabs(line) and os.path.isdir(line)]


def _no_module(name: str, folder: Optional[str]) -> str:
    where = "neither in the suite's folder nor" if folder else "not"
    near: List[str] = []
    if folder and os.path.isdir(folder):
        near = difflib.get_close_matches(_top(name), sorted(own_names(folder)), 3)
    hint = "; near: {}".format(", ".join(near)) if near else ""
    return f"there is no module {name!r}, {where} among installed packages{hint}"


def _no_attribute(module: str, name: str, value: Any, folder: Optional[str]) -> str:
    public = [entry for entry in dir(value) if not entry.startswith("_")]
    near = difflib.get_close_matches(name, public, 3) or public[:5]
    hint = "; near: {}".format(", ".join(near)) if near else ""
    path = file_of(module, folder) if folder else None
    other = _elsewhere(_top(module)) if path and folder else ""
    which = f" ({os.path.relpath(path, folder)}, not the {other} one)" if other and path else ""
    return f"module {module!r}{which} has no {name!r}{hint}"


def _bad(reference: str, why: str, broken: str = "") -> AdapterError:
    """``broken`` is a module that fails as it is imported, whatever is wanted of it."""
    return AdapterError("bad-reference", reference=reference, reason=why, broken=broken)
