"""Wrong: no thread is ever given a model."""


def get_model():
    print("Loading LLaVa model: demo on cpu")
    raise OSError("no file named model.safetensors")
