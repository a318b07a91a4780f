"""Simulated chest radiographs and cases: a parametric phantom, lesions of known place and size, DICOM files of them.

Not a model of anyone: every number is drawn from a seed. The lesions (`lesions.py`) are for simulated cases and for
judging; what a model is trained on inserts lesions of its own.
"""
