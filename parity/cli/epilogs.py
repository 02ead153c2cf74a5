"""What a command's help ends with: exit codes, words of its output, examples."""

from __future__ import annotations

CODES = """\
exit codes:
  0  parity holds
  1  parity is broken
  2  the command or the suite is wrong
  3  a runtime could not be loaded or run, or nothing could be decided
  where several apply: 2 before 3 before 1; 130 where it was interrupted, 143 by SIGTERM
  what holds only in part (--runtimes, --allow-missing) ends with 0 and is told as partial
"""
ROUNDTRIP = """\
with --roundtrip:
  kept        read back, with the same weights, configuration and outputs
  lost        read back, and something is not as it was: 1
  unreadable  saved, and cannot be read back: 1
  not saved   the framework refuses it, and says why: 1 for Keras and state dicts; a program that
              TorchScript, torch.export or pickle will not take loses nothing: 0
  not offered the framework has no such format for this model: 0
  not tried   with the reason: 0
  files       DIR/<detector>/roundtrip.csv and roundtrip.md with --report DIR
"""
LAYERS = """\
what the table says (errors are relative L2 on the worst image):
  accumulated  both networks run from the image
  local        one layer of the candidate alone, fed with the reference's tensors
  expected     int8: what quantisation must cost there
  verdict      introduced: the local error is more than rounding explains
               (float32: 10 times the median of the op type and 1e-5, or 1e-4;
               int8: 1.25 times the expected one, or a range that does not fit)
               inherited: only the accumulated error is large
               nonfinite: NaN or infinity comes up here
               unpaired: without a partner on the other side
               ok: none of these
  the README says what the columns of the CSV are

exit codes:
  0  no layer introduces an error, the inputs are the same, every output was compared
  1  a layer introduces an error, or the inputs differ
  2  the command or the suite is wrong
  3  a runtime could not be loaded, run or compared; or no layer that could be
     compared introduces an error, but an output was compared with nothing
  where several apply: 2 before 3 before 1
"""
EXAMPLES = """\
examples:
  parity check models/detector                      judge every runtime of a suite
  parity check models/detector --runtimes onnx,int8 judge two of them
  parity check models/* --report reports            several suites, with files to keep
  parity check models/detector --reference golden   without the native framework
  parity record models/detector                     record what the reference finds now
  parity export models/detector                     make the model files that the suite declares
  parity layers models/detector --runtimes int8     find the layer that introduces the error
  parity init detector.onnx --output parity.toml    propose a suite for model files
  parity matrix models/detector                     one runtime in several versions and options
  parity inspect detector.onnx                      what a file is, and which runtimes load it
  parity doctor                                     what is installed, and what is missing

"""
