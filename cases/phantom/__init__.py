"""Simulated chest radiographs and cases: a parametric phantom, lesions of known place and size, DICOM files of them.

Not a model of anyone: every number is drawn from a seed. Nothing here is used to train on or to tune a threshold by name.
"""
