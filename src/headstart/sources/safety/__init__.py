"""What is looked at before anything of a model is opened or run. Nothing here loads a model."""
