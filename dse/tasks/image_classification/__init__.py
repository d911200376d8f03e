"""Image classification on ImageNet-like data sets."""
