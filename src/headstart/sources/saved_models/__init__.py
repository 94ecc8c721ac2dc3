"""TensorFlow SavedModels as backbones that are read and never trained."""
