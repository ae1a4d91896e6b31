"""A model loader for services: the model is loaded exactly once per process, however many threads ask."""
