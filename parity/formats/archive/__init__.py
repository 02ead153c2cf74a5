"""Zip archives: opened once, checked before anything of them is unpacked, then asked what they are.

``zip_file`` opens one and is the base of every format that is an archive; ``faults`` says what is
wrong with one; ``others`` are archives of no format that is read here.
"""
