"""The names of calls that load a model: those of known libraries, and what services call their own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["LoadCall", "load_call"]


@dataclass(frozen=True, slots=True)
class LoadCall:
    """A call that loads. `weight`: 3 a model by a known library, 2 by its name, 1 what comes with a model."""

    weight: Literal[1, 2, 3]
    transformers: bool = False


# By the last word of what is called, whatever stands before it
_ANY: Final = re.compile(
    r"from_pretrained|from_single_file|load_checkpoint_and_dispatch|load_from_checkpoint|from_quantized"
    r"|create_model_and_transforms|SentenceTransformer|CrossEncoder|SparseEncoder|InferenceSession"
    r"|WhisperModel|BatchedInferencePipeline|AutoModel\w*|YOLO|Llama|AsyncLLMEngine"
    r"|HuggingFaceEmbeddings|HuggingFaceInstructEmbeddings|HuggingFaceBgeEmbeddings|FlagReranker"
    r"|BGEM3FlagModel|load_learner|load_torch_model|FaceAnalysis|import_keras_model"
)
_TRANSFORMERS: Final = re.compile(
    r"from_pretrained|from_single_file|load_checkpoint_and_dispatch|SentenceTransformer|CrossEncoder"
    r"|SparseEncoder|AutoModel\w*|HuggingFace\w+|pipeline|FlagReranker|BGEM3FlagModel"
)
_FULL: Final = frozenset(
    [
        "torch.load",
        "torch.jit.load",
        "torch.hub.load",
        "torch.package.PackageImporter",
        "torch.export.load",
        "spacy.load",
        "joblib.load",
        "pickle.load",
        "pickle.loads",
        "dill.load",
        "cloudpickle.load",
        "whisper.load_model",
        "clip.load",
        "open_clip.create_model",
        "timm.create_model",
        "easyocr.Reader",
        "paddleocr.PaddleOCR",
        "TTS.api.TTS",
        "safetensors.torch.load_file",
        "safetensors.torch.load_model",
        "safetensors.safe_open",
        "tensorflow.keras.models.load_model",
        "keras.models.load_model",
        "keras.saving.load_model",
        "tensorflow.saved_model.load",
        "tensorflow_hub.load",
        "mlflow.pyfunc.load_model",
        "vllm.LLM",
        "transformers.pipeline",
        "transformers.pipelines.pipeline",
        "fasttext.load_model",
        "insightface.app.FaceAnalysis",
        "gensim.models.KeyedVectors.load",
        "ctranslate2.Translator",
        "llama_cpp.Llama",
        "onnxruntime.InferenceSession",
        "xgboost.Booster",
        "lightgbm.Booster",
        "stanza.Pipeline",
        "flair.models.SequenceTagger.load",
        "mlx_lm.load",
        "mlx_vlm.load",
        "tokenizers.Tokenizer.from_file",
    ]
)
_BESIDE: Final = re.compile(
    r"processor|tokeni[sz]er|config|featureextractor|feature_extractor|scheduler", re.IGNORECASE
)
_NAMED: Final = re.compile(
    r"_*(?:load|init|initiali[sz]e|build|create|make|setup|read|open|warm)_?\w*"
    r"(?:model|pipe|llm|llava|clip|bert|whisper|weights|checkpoint|engine|embed|encoder|network|net)\w*"
    r"|_*(?:do_|really_|actually_)?load(?:_it|_once|_now|_all|_real|_heavy|_from_disk|_sync)?",
    re.IGNORECASE,
)
_NOT_NAMED: Final = re.compile(
    r"config|setting|image|prompt|env|json|yaml|toml|csv|user|plugin|schema|template|dataset|label|secret|db"
    r"|session|card|info|list|name|path|dir|state_dict",
    re.IGNORECASE,
)
_OTHER_LOADS: Final = (
    "json",
    "yaml",
    "toml",
    "tomllib",
    "tomli",
    "numpy",
    "np",
    "csv",
    "PIL",
    "dotenv",
    "ast",
)


def load_call(name: str) -> LoadCall | None:
    """Return what kind of load the call of `name` is, written with the full name of its module."""
    front, _, last = name.rpartition(".")
    if name in _FULL or _ANY.fullmatch(last) or (last == "pipeline" and front in ("", "transformers")):
        beside = front.rpartition(".")[2]
        if _BESIDE.search(last if last != "from_pretrained" else beside) or last == "AutoModelCard":
            return LoadCall(1)
        return LoadCall(3, _TRANSFORMERS.fullmatch(last) is not None)
    if front.split(".")[0] in _OTHER_LOADS or _NOT_NAMED.search(last):
        return None
    if _NAMED.fullmatch(last):
        return LoadCall(1) if _BESIDE.search(last) else LoadCall(2)
    return None
