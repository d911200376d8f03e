"""Image classification: data sets, the cache of decoded images, and the inputs of a model."""
