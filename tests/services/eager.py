"""Right: loaded while imported, before any thread could race for it."""

print("Loading LLaVa model: demo on cpu")
_model = object()
print("LLaVa model loaded successfully on cpu")


def get_model():
    return _model
